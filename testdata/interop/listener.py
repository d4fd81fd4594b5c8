"""A listener on supervisor.childutils: records events, asks the daemon that
started it, and rejects the first one."""
import os
import sys

from supervisor import childutils

rpc = childutils.getRPCInterface(os.environ)
first = True
with open(sys.argv[1], "a") as record:
    while True:
        headers, payload = childutils.listener.wait(sys.stdin, sys.stdout)
        fields = childutils.get_headers(payload)
        state = rpc.supervisor.getProcessInfo(fields["processname"])["statename"]
        print(headers["eventname"], headers["poolserial"], fields["processname"], fields["from_state"],
              "first" if first else "again", file=record, flush=True)
        if first:
            childutils.listener.fail(sys.stdout)
        else:
            childutils.listener.ok(sys.stdout)
        first = False
