"""Stands in for a terminal server with an ECU's console behind it: answers each line on one TCP port of this host."""

import json
import socketserver


class Console(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Answer each line."""
        for line in self.rfile:
            self.wfile.write(b"software 7.1 heard " + line)


if __name__ == "__main__":
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Console) as server:
        print(json.dumps({"address": f"127.0.0.1:{server.server_address[1]}"}), flush=True)
        server.serve_forever()
