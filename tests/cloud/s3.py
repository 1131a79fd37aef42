"""An S3 server of its own process, a client of a few lines, and a proxy between them that does harm. Standard library only.

The server is `s3s-fs` (a crate): it checks signatures, and keeps objects as files, so that it can be killed and started again, and what it holds
be compared byte for byte. Objects have their names in the directory of the bucket; what is unfinished lies beside it.
"""
import datetime
import hashlib
import hmac
import http.client
import http.server
import os
import random
import socket
import socketserver
import struct
import subprocess
import threading
import time
import urllib.parse

ACCESS, SECRET = "AKTESTEXAMPLE", "s3cr3t-that-must-never-be-printed"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """The process."""

    def __init__(self, program, root):
        self.program, self.root, self.port, self.process = program, root, free_port(), None
        os.makedirs(root, exist_ok=True)
        self.start()

    def start(self):
        command = [self.program, "--host", "127.0.0.1", "--port", str(self.port), "--access-key", ACCESS, "--secret-key", SECRET, self.root]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"RUST_LOG": "off"})
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise SystemExit("the server does not listen")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def bucket(self, name):
        path = os.path.join(self.root, name)
        os.makedirs(path, exist_ok=True)
        return path


def put(port, bucket, key, body):
    """PUT of an object, signed (AWS Signature Version 4)."""
    now = datetime.datetime.now(datetime.timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    path = urllib.parse.quote(f"/{bucket}/{key}")
    digest = hashlib.sha256(body).hexdigest()
    headers = {"host": f"127.0.0.1:{port}", "x-amz-content-sha256": digest, "x-amz-date": stamp}
    names = ";".join(sorted(headers))
    canonical = "\n".join(["PUT", path, "", *(f"{k}:{headers[k]}" for k in sorted(headers)), "", names, digest])
    scope = f"{day}/us-east-1/s3/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key_ = ("AWS4" + SECRET).encode()
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key_ = hmac.new(key_, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key_, to_sign.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={signature}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("PUT", path, body=body, headers=headers)
    answer = connection.getresponse()
    said = answer.read()
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"PUT {key}: {answer.status} {said[:300]}")


class Proxy(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """Passes requests on to the server, and some of them not."""

    daemon_threads = True

    def __init__(self, behind, seed=1):
        super().__init__(("127.0.0.1", 0), Handler)
        self.behind, self.port = behind, self.server_address[1]
        self.lock, self.random = threading.Lock(), random.Random(seed)
        self.rate, self.kinds, self.delay, self.among, self.hook = 0.0, [], 0.0, "", None
        self.requests, self.bytes, self.done = {}, 0, {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def harm(self, rate, kinds, delay=0.0, among=""):
        """From now on, such a share of requests goes wrong, in such ways, of those with `among` in their path; every one takes so many seconds more."""
        self.rate, self.kinds, self.delay, self.among = rate, kinds, delay, among
        self.requests, self.bytes, self.done = {}, 0, {}

    def fate(self, method, path):
        with self.lock:
            self.requests[method] = self.requests.get(method, 0) + 1
            kind = self.random.choice(self.kinds) if self.among in path and self.random.random() < self.rate else None
            if kind:
                self.done[kind] = self.done.get(kind, 0) + 1
            count = sum(self.requests.values())
        if self.hook:
            self.hook(method, path, count)
        return kind

    def handle_error(self, request, client_address):
        pass


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def log_message(self, *_):
        pass

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def refuse(self, status, code):
        body = f"<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>try again</Message></Error>".encode()
        self.send_response(status)
        self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self):
        proxy = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = proxy.fate(self.command, self.path)
        if proxy.delay:
            time.sleep(proxy.delay)
        if kind == "500":
            return self.refuse(500, "InternalError")
        if kind == "503":
            return self.refuse(503, "SlowDown")
        if kind == "reset":
            return self.reset()
        connection = http.client.HTTPConnection("127.0.0.1", proxy.behind, timeout=60)
        try:
            connection.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in ("connection", "expect"):
                    connection.putheader(name, value)
            connection.endheaders(body or None)
            found = connection.getresponse()
            data = found.read()
        except OSError:
            return self.reset()
        finally:
            connection.close()
        if kind == "late":
            # It was done, and nobody is told.
            return self.refuse(500, "InternalError")
        with proxy.lock:
            proxy.bytes += len(data)
        self.send_response_only(found.status, found.reason)
        for name, value in found.getheaders():
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        length = found.getheader("Content-Length") if self.command == "HEAD" else str(len(data))
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        if self.command == "HEAD":
            return None
        if kind == "cut" and len(data) > 1:
            self.wfile.write(data[: proxy.random.randrange(len(data))])
            self.wfile.flush()
            return self.reset()
        if kind == "slow":
            step = max(len(data) // 8, 1)
            for at in range(0, len(data), step):
                self.wfile.write(data[at : at + step])
                self.wfile.flush()
                time.sleep(0.1)
            return None
        if kind == "stall" and len(data) > 1:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            time.sleep(5)
            return self.reset()
        self.wfile.write(data)
        return None

    do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = answer
