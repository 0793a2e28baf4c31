"""An agent of LangChain with langchain-mcp-adapters, as its documentation sets one up
(https://docs.langchain.com/oss/python/langchain/mcp).

usage: python langchain_adapters.py MODEL_URL QUESTION COMMAND [ARGUMENT ...]
"""

import asyncio
import sys

from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI
from pydantic import SecretStr


async def main(model_url: str, question: str, command: str, *arguments: str) -> None:
    """Ask, and print the answer."""
    client = MultiServerMCPClient({"salesloft": {"transport": "stdio", "command": command, "args": list(arguments)}})
    model = ChatOpenAI(model="scripted", base_url=f"{model_url}/v1", api_key=SecretStr("none"))
    agent = create_agent(model, await client.get_tools())
    answer = await agent.ainvoke({"messages": [{"role": "user", "content": question}]})
    print(answer["messages"][-1].text)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
