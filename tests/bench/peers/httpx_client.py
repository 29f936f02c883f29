"""Reads a stream with httpx: httpx_client.py URL EVENTS"""
import json
import sys

import httpx

deltas = 0
name = ''
with httpx.stream('POST', sys.argv[1], content=b'{}', timeout=None) as response:
    for line in response.iter_lines():
        line = line.rstrip('\n')
        if line.startswith('event: '):
            name = line[7:]
        elif line.startswith('data: ') and name == 'thread.message.delta':
            if json.loads(line[6:])['delta']['content'][0]['text']['value']:
                deltas += 1
sys.exit(0 if deltas == int(sys.argv[2]) else 3)
