"""What the modules that measure share: the servers, and the statistics of rounds."""

import contextlib
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile
import time


class server:
    """A load server for the time of a `with` block; its value is the port."""

    def __init__(self, build, events, rate):
        self.command = [str(build / 'tests/bench/bench-load_server'), str(events), str(rate)]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self.process.stdout.readline().strip()

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()


class nginx:
    """An nginx before a load server, for the time of a `with` block; its value is the port."""

    def __init__(self, upstream, tls=True):
        """With TLS, it speaks HTTP/2, too."""
        self.upstream, self.tls = upstream, tls

    def inside(self, name):
        return os.path.join(self.folder.name, name)

    def certificate(self):
        self.authority = self.inside('server.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                        '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
                        '-keyout', self.inside('server.key'), '-out', self.authority], check=True, capture_output=True)
        return f'ssl_certificate {self.authority}; ssl_certificate_key {self.inside("server.key")};'

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        with socket.socket() as free:
            free.bind(('127.0.0.1', 0))
            port = free.getsockname()[1]
        temporary = ''.join(f'{kind}_temp_path {self.inside(kind)};' for kind in
                            ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'])
        configuration = self.inside("nginx.conf")
        pathlib.Path(configuration).write_text(f'''
            daemon off; {"user root;" if os.geteuid() == 0 else ""} worker_rlimit_nofile 65536; pid {self.inside("pid")};
            worker_processes {1 if self.tls else "auto"}; error_log {self.inside("error.log")};
            events {{ worker_connections 32768; }}
            http {{
              access_log off; {temporary}
              server {{
                listen 127.0.0.1:{port} backlog=8192 {"ssl http2" if self.tls else ""}; keepalive_requests 100000;
                {self.certificate() if self.tls else ""}
                location / {{ proxy_pass http://127.0.0.1:{self.upstream}; proxy_http_version 1.1; proxy_buffering off;
                             proxy_set_header Connection ""; proxy_read_timeout 600s; }}
              }}
            }}''')
        self.process = subprocess.Popen(['nginx', '-c', configuration, '-e', self.inside('error.log')],
                                        stderr=subprocess.DEVNULL)
        while self.process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError), socket.create_connection(('127.0.0.1', port)):
                return str(port)
            time.sleep(0.01)
        raise RuntimeError('nginx: ' + pathlib.Path(self.inside('error.log')).read_text())

    def workers(self):
        """Their process ids."""
        master = self.process.pid
        return pathlib.Path(f'/proc/{master}/task/{master}/children').read_text().split()

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def medians(rounds):
    """Of a list of dictionaries with the same keys."""
    return {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}


def take_turns(ways, rounds, run):
    results = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            results[way].append(run(way))
    return {way: medians(each) for way, each in results.items()}


def table(head, rows):
    lines = ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    lines += ['| ' + ' | '.join(str(cell) for cell in row) + ' |' for row in rows]
    return '\n'.join(lines)
