"""Reads a stream with aiohttp: aiohttp_client.py URL EVENTS"""
import asyncio
import json
import sys

import aiohttp


async def read():
    deltas = 0
    name = b''
    async with aiohttp.ClientSession() as session, session.post(sys.argv[1], data=b'{}') as response:
        async for line in response.content:
            if line.startswith(b'event: '):
                name = line[7:].strip()
            elif line.startswith(b'data: ') and name == b'thread.message.delta':
                if json.loads(line[6:])['delta']['content'][0]['text']['value']:
                    deltas += 1
    return deltas


sys.exit(0 if asyncio.run(read()) == int(sys.argv[2]) else 3)
