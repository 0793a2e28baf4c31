"""An agent of openai-agents, as its documentation sets one up (https://openai.github.io/openai-agents-python/mcp/).

usage: python openai_agents.py MODEL_URL QUESTION COMMAND [ARGUMENT ...]
"""

import asyncio
import sys

from agents import Agent, OpenAIResponsesModel, RunConfig, Runner
from agents.mcp import MCPServerStdio
from openai import AsyncOpenAI


async def main(model_url: str, question: str, command: str, *arguments: str) -> None:
    """Ask, and print the answer."""
    client = AsyncOpenAI(base_url=f"{model_url}/v1", api_key="none")
    async with MCPServerStdio(
        {"command": command, "args": list(arguments)}, client_session_timeout_seconds=60
    ) as server:
        agent = Agent(name="host", model=OpenAIResponsesModel("scripted", client), mcp_servers=[server])
        run = await Runner.run(agent, question, run_config=RunConfig(tracing_disabled=True))
    print(run.final_output)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
