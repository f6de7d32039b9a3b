# SPDX-License-Identifier: Apache-2.0
"""How each gateway is told of its members and started. A contender's class says which members it
can have, and `prepare` writes its configuration and returns how to start and where to call it."""

import json
import os
import shutil
import subprocess


class Member:
    """One native member: a command for the gateway to run, or a URL that is served already."""

    def __init__(self, name, command=None, url=None):
        self.name, self.command, self.url = name, command, url


class NativeServer:
    """benchmarks/gateway/native_member.cpp: as good as no cost of its own."""
    client_words = []

    def __init__(self, options):
        self.program = self.marker = options.member

    def stdio(self):
        return [self.program, "stdio"]

    def http(self, port):
        return [self.program, "http", str(port)], {}


class EverythingServer:
    """@modelcontextprotocol/server-everything: what a real server adds, and how it answers."""
    client_words = ["--prefix", "Echo: "]

    def __init__(self, options):
        self.program = os.path.join(options.rivals, "npm", "node_modules", ".bin",
                                    "mcp-server-everything")
        self.marker = "mcp-server-everything"

    def stdio(self):
        return [self.program, "stdio"]

    def http(self, port):
        return [self.program, "streamableHttp"], {"PORT": str(port)}


SERVERS = {"native": NativeServer, "everything": EverythingServer}


class Start:
    """One contender, ready to be started, and where its members are called: one address for all
    of them if it aggregates, else one for each."""

    def __init__(self, command, urls, env=None, cleanup=None):
        self.command, self.urls = command, urls
        self.env = {**os.environ, **(env or {})}
        self.cleanup = cleanup or (lambda: None)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text if isinstance(text, str) else json.dumps(text, indent=1))
    return path


def servers(members, **remote):
    """The usual `mcpServers` object."""
    return {m.name: {"url": m.url, **remote} if m.url else
            {"command": m.command[0], "args": m.command[1:]} for m in members}


class Contender:
    kinds = ("stdio", "http")
    many = True         # serves more than one member
    aggregates = False  # ... at one address, so that tools/list shows all
    slow = False        # so slow that a cell gets fewer calls in flight
    client_words = []   # how the load client must speak to it

    def __init__(self, options):
        self.options = options

    def program(self, *names):
        return os.path.join(self.options.rivals, *names)

    def missing(self):
        """Why it cannot run here, or None."""
        path = self.executable()
        return None if shutil.which(path) else f"{path} is not there"


class Ours(Contender):
    """thv-engine with the members in its state, each started by `thv-engine run`."""
    name = "thv-engine"

    def executable(self):
        return self.options.engine

    def prepare(self, folder, port, members):
        env = {f"XDG_{name}_HOME": os.path.join(folder, name.lower())
               for name in ("STATE", "CACHE", "CONFIG", "DATA", "RUNTIME")}
        env["XDG_RUNTIME_DIR"] = env.pop("XDG_RUNTIME_HOME")
        os.makedirs(env["XDG_RUNTIME_DIR"], mode=0o700)
        config = write(folder, "config.toml", f'[gateway]\nlisten = "127.0.0.1:{port}"\n')
        words = {"engine": self.options.engine, "config": config, "folder": folder,
                 "port": str(port)}

        def ours(*args):
            done = subprocess.run([self.options.engine, *args, "--config", config],
                                  env={**os.environ, **env}, capture_output=True, text=True)
            if done.returncode != 0:
                raise RuntimeError(f"thv-engine {' '.join(args)}: {done.stderr}")

        def cleanup():
            ours("gateway", "stop")
            ours("rm", *(m.name for m in members))

        try:
            ours("gateway", "stop")  # else `run` starts it in the background
            for m in members:
                ours("run", "--name", m.name, *self.source(folder, m))
        except RuntimeError:
            cleanup()
            raise
        command = [word.format(**words) for word in self.options.gateway_command.split()]
        urls = [self.options.gateway_url.format(port=port, name=m.name) for m in members]
        return Start(command, urls, env, cleanup)

    @staticmethod
    def source(folder, member):
        """The words of `run` for one member."""
        if member.url:
            return ["--runtime", "remote", member.url]
        program = write(folder, f"{member.name}.sh",
                        "#!/bin/sh\nexec " + " ".join(member.command) + "\n")
        os.chmod(program, 0o755)
        return ["--runtime", "process", "--transport", "stdio", program]


class Tbxark(Contender):
    """TBXark/mcp-proxy (Go): one path for each member."""
    name = "TBXark mcp-proxy (Go)"

    def executable(self):
        return self.program("bin", "tbxark-mcp-proxy")

    def prepare(self, folder, port, members):
        config = write(folder, "config.json", {
            "mcpProxy": {"baseURL": f"http://127.0.0.1:{port}", "addr": f"127.0.0.1:{port}",
                         "name": "bench", "version": "1.0.0", "type": "streamable-http"},
            "mcpServers": servers(members, transportType="streamable-http")})
        return Start([self.executable(), "--config", config],
                     [f"http://127.0.0.1:{port}/{m.name}/" for m in members])


class RustProxy(Contender):
    """mcp-proxy of the Rust registry (tower): aggregates."""
    name = "mcp-proxy (Rust)"
    aggregates = True

    def executable(self):
        return self.program("bin", "mcp-proxy")

    def prepare(self, folder, port, members):
        text = (f'[proxy]\nname = "bench"\n[proxy.listen]\nhost = "127.0.0.1"\nport = {port}\n'
                '[observability]\nlog_level = "error"\n')
        for m in members:
            text += f'[[backends]]\nname = "{m.name}"\n'
            text += (f'transport = "http"\nurl = "{m.url}"\n' if m.url else
                     f'transport = "stdio"\ncommand = "{m.command[0]}"\n'
                     f'args = {json.dumps(m.command[1:])}\n')
        return Start([self.executable(), "--config", write(folder, "proxy.toml", text)],
                     [f"http://127.0.0.1:{port}/"])


class Supergateway(Contender):
    name = "supergateway (npm)"
    kinds = ("stdio",)
    many = False

    def executable(self):
        return self.program("npm", "node_modules", ".bin", "supergateway")

    def prepare(self, folder, port, members):
        return Start([self.executable(), "--stdio", " ".join(members[0].command),
                      "--outputTransport", "streamableHttp", "--stateful", "--logLevel", "none",
                      "--port", str(port)], [f"http://127.0.0.1:{port}/mcp"])


class NodeProxy(Contender):
    name = "mcp-proxy (npm)"
    kinds = ("stdio",)
    many = False

    def executable(self):
        return self.program("npm", "node_modules", ".bin", "mcp-proxy")

    def prepare(self, folder, port, members):
        return Start([self.executable(), "--host", "127.0.0.1", "--port", str(port), "--server",
                      "stream", "--", *members[0].command], [f"http://127.0.0.1:{port}/mcp"])


class Hub(Contender):
    """mcp-hub: aggregates, and speaks only the older HTTP+SSE to its clients."""
    name = "mcp-hub (npm)"
    aggregates = True
    client_words = ["--sse"]

    def executable(self):
        return self.program("npm", "node_modules", ".bin", "mcp-hub")

    def prepare(self, folder, port, members):
        config = write(folder, "hub.json", {"mcpServers": servers(members)})
        return Start([self.executable(), "--port", str(port), "--config", config],
                     [f"http://127.0.0.1:{port}/mcp"],
                     {"HOME": folder, "XDG_STATE_HOME": folder, "XDG_DATA_HOME": folder})


class PythonProxy(Contender):
    name = "mcp-proxy (PyPI)"
    kinds = ("stdio",)

    def executable(self):
        return self.program("mcp-proxy", "bin", "mcp-proxy")

    def prepare(self, folder, port, members):
        config = write(folder, "servers.json", {"mcpServers": servers(members)})
        return Start([self.executable(), "--log-level", "ERROR", "--host", "127.0.0.1", "--port",
                      str(port), "--named-server-config", config],
                     [f"http://127.0.0.1:{port}/servers/{m.name}/mcp" for m in members])


class FastMcp(Contender):
    name = "FastMCP (PyPI)"
    aggregates = True
    slow = True

    def executable(self):
        return self.program("fastmcp", "bin", "fastmcp")

    def prepare(self, folder, port, members):
        config = write(folder, "mcp.json", {"mcpServers": servers(members, transport="http")})
        return Start([self.executable(), "run", config, "--transport", "http", "--host",
                      "127.0.0.1", "--port", str(port), "--no-banner", "--log-level", "ERROR"],
                     [f"http://127.0.0.1:{port}/mcp"], {"FASTMCP_CHECK_FOR_UPDATES": "off"})


class ToolHive(Contender):
    """`thv proxy`: one process for each member, HTTP ones only without containers."""
    name = "ToolHive proxy (Go)"
    kinds = ("http",)
    many = False

    def executable(self):
        return self.options.thv

    def prepare(self, folder, port, members):
        where = "/".join(members[0].url.split("/")[:3])
        return Start([self.executable(), "proxy", "--target-uri", where, "--host", "127.0.0.1",
                      "--port", str(port), members[0].name], [f"http://127.0.0.1:{port}/mcp"],
                     {"HOME": folder, **{f"XDG_{n}_HOME": folder for n in ("CONFIG", "STATE")}})


class Direct(Contender):
    """No gateway: the load on the member itself."""
    name = "direct"

    def executable(self):
        return self.options.member


ALL = {"direct": Direct, "ours": Ours, "tbxark": Tbxark, "rust": RustProxy,
       "supergateway": Supergateway, "node": NodeProxy, "hub": Hub, "python": PythonProxy,
       "fastmcp": FastMcp, "toolhive": ToolHive}
