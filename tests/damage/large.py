"""usage: large.py GB

Sends a stream of so many gigabytes through filters, made on the fly,
and prints the most memory that each program took. Fails when one takes more than 64 MiB, or when records are missing.
"""
import pathlib
import re
import subprocess
import sys

MOST = 64 << 10  # KiB
LINE = b"%4095s\n" % b"a text of four kilobytes"
COMMANDS = ["rec-load -q", "rec-cat", "rec-head -n 1000000000", "rec-dump -f tsv", "rec-load -q --from tsv", "rec-check"]



def peak(process):
    """The most memory that it has taken so far, in KiB."""
    return int(re.search(r"VmHWM:\s*(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1])


records = (int(sys.argv[1]) << 30) // len(LINE) // 256 * 256
processes, source = [], subprocess.PIPE
for command in COMMANDS:
    processes.append(subprocess.Popen(command.split(), stdin=source, stdout=subprocess.PIPE))
    if processes[1:]:
        source.close()
    source = processes[-1].stdout
for _ in range(records // 256):
    processes[0].stdin.write(LINE * 256)
peaks = [peak(process) for process in processes]
processes[0].stdin.close()
report = source.read().decode()
failed = f"records     {records}, " not in report
for command, process, most in zip(COMMANDS, processes, peaks):
    failed |= process.wait() != 0 or most > MOST
    print(f"{command}: status {process.returncode}, {most / 1024:.1f} MiB")
print(next(line.strip() for line in report.splitlines() if "records" in line))
sys.exit(failed)
