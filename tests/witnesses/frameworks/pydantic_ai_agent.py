"""An agent of pydantic-ai, as its documentation sets one up (https://ai.pydantic.dev/mcp/client/).

usage: python pydantic_ai_agent.py MODEL_URL QUESTION COMMAND [ARGUMENT ...]
"""

import asyncio
import sys

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def main(model_url: str, question: str, command: str, *arguments: str) -> None:
    """Ask, and print the answer."""
    server = MCPToolset(StdioTransport(command, list(arguments)), init_timeout=60)  # its own is 5 s
    model = OpenAIChatModel("scripted", provider=OpenAIProvider(base_url=f"{model_url}/v1", api_key="none"))
    async with (agent := Agent(model, toolsets=[server])):
        run = await agent.run(question)
    print(run.output)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
