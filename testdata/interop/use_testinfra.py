"""What testinfra's Supervisor module makes of supervisorctl."""
import sys

import testinfra

ctl, conf = sys.argv[1:]
host = testinfra.get_host("local://")


def service(name):
    return host.supervisor(name, supervisorctl_path=ctl, supervisorctl_conf=conf)


assert service("cat").is_running and service("cat").pid > 0
assert service("stopped").status == "STOPPED" and not service("stopped").is_running
print("testinfra is served")
