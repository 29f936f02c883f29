"""Asks an agent, and answers what it asks for: ask.py ENDPOINT TOKEN AGENT_ID MCP_TOKEN QUESTION"""

import ctypes
import json
import sys

corun = ctypes.CDLL('libcorun-c.so.0')
for name, result, *arguments in [
        ('client_new', ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p),
        ('client_free', None, ctypes.c_void_p),
        ('run_start', ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p),
        ('run_next', ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p)),
        ('run_answer', ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p),
        ('run_free', None, ctypes.c_void_p),
        ('error_message', ctypes.c_char_p)]:
    function = getattr(corun, 'corun_' + name)
    function.restype, function.argtypes = result, arguments

FAILED, ENDED, EVENT, WAITS = -1, 0, 1, 2


def checked(value, failed=None):
    if value == failed:
        raise RuntimeError(corun.corun_error_message().decode())
    return value


def events_of(client, request, answer):
    """The events of a run, which `answer` continues: it gets a call, and returns the members of its answer."""
    run = checked(corun.corun_run_start(client, json.dumps(request).encode()))
    try:
        text, calls = ctypes.c_char_p(), []
        while True:
            outcome = checked(corun.corun_run_next(run, -1, ctypes.byref(text)), FAILED)
            if outcome == ENDED:
                return
            if outcome == EVENT:
                event = json.loads(text.value)
                calls = event.get('calls', calls)
                yield event
            if outcome == WAITS:
                answers = [{'id': call['id'], **answer(call)} for call in calls]
                checked(corun.corun_run_answer(run, json.dumps(answers).encode()), FAILED)
    finally:
        corun.corun_run_free(run)


def answer(call):
    if call['kind'] == 'approval':
        return {'approve': True}
    return {'output': {'celsius': -3, 'city': json.loads(call['arguments'])['city']}}


def main(endpoint, token, agent_id, mcp_token, question):
    client = checked(corun.corun_client_new(endpoint.encode(), token.encode(), None))
    request = {'agent': agent_id, 'message': question, 'approval': 'always',
               'mcp_headers': {'bookings': {'Authorization': 'Bearer ' + mcp_token}}}  # for this run only
    try:
        for event in events_of(client, request, answer):
            print(event.get('text', ''), end='', flush=True)
            if event.get('outcome', 'completed') != 'completed':
                print(event, file=sys.stderr)
        print()
    finally:
        corun.corun_client_free(client)


if __name__ == '__main__':
    main(*sys.argv[1:])
