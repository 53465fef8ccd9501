#!/usr/bin/python3
"""Keystone and Swift on free ports of 127.0.0.1, until standard input ends.

`server.py TEMPLATE` prints one line of JSON when all of it answers. TEMPLATE is a directory that keeps the database of
Keystone for the next start, because Keystone takes long to make it. A line `NAME ADDRESS` on standard input makes a
region whose object store is at this address, and is answered with a line.
"""

import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PASSWORD = "canary-3xW7-swift"
SECRET = "canary-6pR4-credential"
ADMIN = "admin-password"
PATIENCE = 120

children = []


def free_ports(count):
    """Ports that no program gets for its own connections meanwhile: those are above 32767."""
    ports = set()
    while len(ports) < count:
        port = random.randrange(10000, 32000)
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.add(port)
    return list(ports)


def write(path, text):
    with open(path, "w") as file:
        file.write(text)


def run(words, top):
    with open(f"{top}/setup.log", "a") as log:
        subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def start(words, top, name, **environment):
    with open(f"{top}/{name}.log", "a") as log:
        child = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
        )
    children.append(child)
    return child


def end(child):
    child.terminate()
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child in children:
        children.remove(child)


def wait_for(url):
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return urllib.request.urlopen(url, timeout=5).read()
        except urllib.error.HTTPError as error:
            if error.code < 500:
                return b""
            cause = error
        except OSError as error:
            cause = error
        if any(child.poll() is not None for child in children) or time.monotonic() > until:
            raise SystemExit(f"no answer from {url}: {cause}")
        time.sleep(0.05)


# Keystone


def configure_keystone(top, name, life):
    path = f"{top}/{name}.conf"
    write(
        path,
        f"""[DEFAULT]
log_file = {top}/{name}.log
[database]
connection = sqlite:///{top}/keystone.db
sqlite_synchronous = false
[identity]
password_hash_rounds = 4
[token]
provider = fernet
expiration = {life}
[fernet_tokens]
key_repository = {top}/fernet
[credential]
key_repository = {top}/credential
[fernet_receipts]
key_repository = {top}/fernet
""",
    )
    return path


def start_keystone(top, name, port, life):
    config = configure_keystone(top, name, life)
    words = ["keystone-wsgi-public", "--host", "127.0.0.1", "--port", str(port)]
    child = start(
        [*words, "--", "--config-file", config], top, name, OS_KEYSTONE_CONFIG_DIR=top
    )
    return child


class Api:
    """Requests to Keystone as one user."""

    def __init__(self, base, user, password, project):
        self.base = base
        default = {"id": "default"}
        identity = {
            "methods": ["password"],
            "password": {"user": {"name": user, "domain": default, "password": password}},
        }
        scope = {"project": {"name": project, "domain": default}}
        self.token = None
        head, _ = self.send("POST", "/auth/tokens", {"auth": {"identity": identity, "scope": scope}})
        self.token = head["X-Subject-Token"]

    def send(self, method, path, body=None):
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["X-Auth-Token"] = self.token
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.headers, json.loads(text) if text else {}

    def make(self, kind, what):
        """Makes a thing, and returns its id."""
        _, answer = self.send("POST", f"/{kind}s", {kind: what})
        return answer[kind]["id"]

    def role(self, name):
        return self.send("GET", f"/roles?name={name}")[1]["roles"][0]["id"]

    def allow(self, project, user, role):
        self.send("PUT", f"/projects/{project}/users/{user}/roles/{self.role(role)}")


def seed(base):
    """Makes the projects and users. Returns the ids that tests need."""
    admin = Api(base, "admin", ADMIN, "admin")
    project = lambda name: admin.make("project", {"name": name, "domain_id": "default"})
    user = lambda name: admin.make(
        "user", {"name": name, "domain_id": "default", "password": PASSWORD}
    )
    service = project("service")
    admin.allow(service, user("swift"), "admin")
    backup = project("backup")
    bob, reader, alice = user("bob"), user("reader"), user("alice")
    admin.allow(backup, bob, "member")
    admin.allow(backup, reader, "reader")
    store = admin.make("service", {"name": "swift", "type": "object-store"})
    for interface in ["public", "internal", "admin"]:
        endpoint = {
            "service_id": store,
            "interface": interface,
            "region_id": "RegionOne",
            "url": "http://127.0.0.1:1/v1/AUTH_%(project_id)s",
        }
        admin.make("endpoint", endpoint)
    as_bob = Api(base, "bob", PASSWORD, "backup")
    credential = {"application_credential": {"name": "freezerd", "secret": SECRET}}
    _, made = as_bob.send("POST", f"/users/{bob}/application_credentials", credential)
    trust = {
        "trustor_user_id": bob,
        "trustee_user_id": alice,
        "project_id": backup,
        "impersonation": False,
        "roles": [{"name": "member"}],
    }
    _, trusted = as_bob.send("POST", "/OS-TRUST/trusts", {"trust": trust})
    return {
        "project_id": backup,
        "application_credential_id": made["application_credential"]["id"],
        "trust_id": trusted["trust"]["id"],
    }


def change_database(top, *statement):
    database = sqlite3.connect(f"{top}/keystone.db")
    with database:
        database.execute(*statement)
    database.close()


def make_region(admin, name, address):
    admin.make("region", {"id": name})
    (store,) = admin.send("GET", "/services?type=object-store")[1]["services"]
    url = f"{address}/v1/AUTH_%(project_id)s"
    endpoint = {"service_id": store["id"], "interface": "public", "region_id": name, "url": url}
    admin.make("endpoint", endpoint)


def prepare(template):
    """Makes the template, unless there is one."""
    if os.path.exists(template):
        return
    top = tempfile.mkdtemp(dir=os.path.dirname(template))
    config = configure_keystone(top, "keystone", 3600)
    manage = ["keystone-manage", "--config-file", config]
    name = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    group = subprocess.run(["id", "-gn"], check=True, capture_output=True, text=True).stdout.strip()
    os.makedirs(f"{top}/fernet", mode=0o700)
    os.makedirs(f"{top}/credential", mode=0o700)
    run([*manage, "db_sync"], top)
    # Otherwise a reader that Keystone forgot keeps its writer waiting, until that gives up.
    change_database(top, "pragma journal_mode = wal")
    for what in ["fernet_setup", "credential_setup"]:
        run([*manage, what, "--keystone-user", name, "--keystone-group", group], top)
    (port,) = free_ports(1)
    bootstrap = [*manage, "bootstrap", "--bootstrap-password", ADMIN]
    bootstrap += ["--bootstrap-region-id", "RegionOne"]
    for interface in ["public", "internal"]:
        bootstrap += [f"--bootstrap-{interface}-url", f"http://127.0.0.1:{port}/v3"]
    run(bootstrap, top)
    child = start_keystone(top, "keystone", port, 3600)
    wait_for(f"http://127.0.0.1:{port}/v3")
    ids = seed(f"http://127.0.0.1:{port}/v3")
    end(child)
    # All of it is in one file now.
    change_database(top, "pragma wal_checkpoint(truncate)")
    write(f"{top}/ids.json", json.dumps(ids))
    try:
        os.rename(top, template)
    except OSError:
        # Another test program was faster.
        shutil.rmtree(top)


def own_keystone(template, top, keystone, swift):
    """A copy of the template, whose catalogue names these ports."""
    for name in ["fernet", "credential"]:
        shutil.copytree(f"{template}/{name}", f"{top}/{name}")
    shutil.copy(f"{template}/keystone.db", f"{top}/keystone.db")
    change = "update endpoint set url = ? where url like ?"
    change_database(top, change, [f"http://127.0.0.1:{keystone}/v3", "%/v3"])
    url = f"http://127.0.0.1:{swift}/v1/AUTH_%(project_id)s"
    change_database(top, change, [url, "%/v1/%"])


# Swift


def start_swift(top, port, keystone):
    etc = f"{top}/etc"
    for name in ["d1", "etc"]:
        os.makedirs(f"{top}/{name}")
    write(
        f"{etc}/swift.conf",
        """[swift-hash]
swift_hash_path_suffix = s
swift_hash_path_prefix = p
[storage-policy:0]
name = one
default = yes
""",
    )
    user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    common = f"""[DEFAULT]
bind_ip = 127.0.0.1
workers = 0
user = {user}
swift_dir = {etc}
devices = {top}
mount_check = false
disable_fallocate = true
"""
    backends = free_ports(3)
    for name, at in zip(["account", "container", "object"], backends):
        write(
            f"{etc}/{name}-server.conf",
            f"""{common}bind_port = {at}
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
[{name}-replicator]
[{name}-updater]
[{name}-auditor]
""",
        )
        builder = ["swift-ring-builder", f"{etc}/{name}.builder"]
        run([*builder, "create", "4", "1", "1"], top)
        run([*builder, "add", f"r1z1-127.0.0.1:{at}/d1", "1"], top)
        run([*builder, "rebalance"], top)
        start([f"swift-{name}-server", f"{etc}/{name}-server.conf"], top, name)
    write(
        f"{etc}/proxy-server.conf",
        f"""{common}bind_port = {port}
[pipeline:main]
pipeline = catch_errors healthcheck authtoken keystoneauth container-quotas proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:container-quotas]
use = egg:swift#container_quotas
[filter:authtoken]
paste.filter_factory = keystonemiddleware.auth_token:filter_factory
www_authenticate_uri = http://127.0.0.1:{keystone}
auth_url = http://127.0.0.1:{keystone}
auth_type = password
project_domain_id = default
user_domain_id = default
project_name = service
username = swift
password = {PASSWORD}
delay_auth_decision = true
token_cache_time = 300
[filter:keystoneauth]
use = egg:swift#keystoneauth
operator_roles = admin, member
project_reader_roles = reader
""",
    )
    start(["swift-proxy-server", f"{etc}/proxy-server.conf"], top, "proxy")
    # Without one of them, the proxy answers, and can do nothing.
    for at in backends:
        wait_for(f"http://127.0.0.1:{at}/")


def main():
    os.environ["LC_ALL"] = "C"
    template = os.path.abspath(sys.argv[1])
    prepare(template)
    top = tempfile.mkdtemp(prefix="swift-")
    try:
        keystone, brief, swift = free_ports(3)
        own_keystone(template, top, keystone, swift)
        start_keystone(top, "keystone", keystone, 3600)
        # The tokens of this one end soon.
        start_keystone(top, "brief", brief, 4)
        start_swift(top, swift, keystone)
        for url in [f"http://127.0.0.1:{port}/v3" for port in (keystone, brief)]:
            wait_for(url)
        wait_for(f"http://127.0.0.1:{swift}/healthcheck")
        with open(f"{template}/ids.json") as file:
            ids = json.load(file)
        ports = {"keystone": keystone, "brief": brief, "swift": swift}
        print(json.dumps({**ids, **ports, "top": top}), flush=True)
        admin = None
        for line in sys.stdin:
            name, address = line.split()
            admin = admin or Api(f"http://127.0.0.1:{keystone}/v3", "admin", ADMIN, "admin")
            make_region(admin, name, address)
            print("made", flush=True)
    finally:
        for child in list(children):
            end(child)
        shutil.rmtree(top, ignore_errors=True)


def stop(*_):
    sys.exit(1)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    # The terminal's interrupt ends the test, and that ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
