"""An agent of mcp-use, as its documentation sets one up (https://docs.mcp-use.com/python/getting-started).

usage: python mcp_use_agent.py MODEL_URL QUESTION COMMAND [ARGUMENT ...]
"""

import asyncio
import sys

from langchain_openai import ChatOpenAI
from mcp_use import MCPAgent, MCPClient
from pydantic import SecretStr


async def main(model_url: str, question: str, command: str, *arguments: str) -> None:
    """Ask, and print the answer."""
    client = MCPClient.from_dict({"mcpServers": {"salesloft": {"command": command, "args": list(arguments)}}})
    model = ChatOpenAI(model="scripted", base_url=f"{model_url}/v1", api_key=SecretStr("none"))
    print(await MCPAgent(llm=model, client=client, max_steps=10).run(question))
    await client.close_all_sessions()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
