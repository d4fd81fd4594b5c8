"""What Python's programs ask, over TCP and over the unix socket."""
import sys
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport

url, socket = sys.argv[1:]


def ask(name, server):
    methods = server.system.listMethods()
    assert "supervisor.getAllProcessInfo" in methods and "system.multicall" in methods, methods
    info = server.supervisor.getProcessInfo("cat")
    assert info["statename"] == "RUNNING" and info["pid"] > 0 and info["start"] > 0, info
    assert sorted(info) == sorted(
        "name group description start stop now state statename spawnerr exitstatus "
        "logfile stdout_logfile stderr_logfile pid".split()), info
    try:
        server.supervisor.startProcess("nobody")
        raise AssertionError("nobody was started")
    except xmlrpc.client.Fault as fault:
        assert (fault.faultCode, fault.faultString) == (10, "BAD_NAME: nobody"), fault
    results = server.system.multicall([
        {"methodName": "supervisor.stopProcess", "params": ["cat"]},
        {"methodName": "supervisor.startProcess", "params": ["cat"]},
        {"methodName": "supervisor.startProcess", "params": ["nobody"]},
    ])
    assert results == [True, True, {"faultCode": 10, "faultString": "BAD_NAME: nobody"}], results
    assert server.supervisor.sendProcessStdin("cat", "grüße <&> %s\n" % name)
    results = server.supervisor.signalAllProcesses("CONT")
    assert [r["status"] for r in results] == [80], results
    assert isinstance(server.supervisor.tailProcessStdoutLog("cat", 0, 100)[1], int)
    print(name, "is served")


ask("tcp", xmlrpc.client.ServerProxy(url + "/RPC2"))
ask("unix", xmlrpc.client.ServerProxy("http://127.0.0.1", SupervisorTransport(None, None, "unix://" + socket)))
