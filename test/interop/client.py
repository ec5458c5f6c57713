"""Follows Commitcast: prints what it hears, one JSON line each. Needs python3-socketio and python3-aiohttp."""
import argparse, asyncio, contextlib, functools, json, pathlib, random, sys
import aiohttp, engineio, socketio

# Refusals of a handshake that may be over in a moment. All others need somebody to act.
PASSING = {"RATE_LIMITED", "SLOW_CONSUMER", "RIGHTS_CHANGED", "SHUTTING_DOWN", "UNAVAILABLE", "INTERNAL"}
# Over long polling one answer may carry far more packets than the 16 that the library takes.
engineio.payload.Payload.max_decode_packets = 1_000_000


def say(*line):
    print(json.dumps(line), flush=True)


class Follower:
    def __init__(self, options):
        self.options, self.cursor, self.over, self.delay = options, options.cursor, None, 0.1

    def keep(self, cursor):
        self.cursor = cursor
        say("cursor", cursor)

    def read_token(self):
        return pathlib.Path(self.options.token_file).read_text().strip()

    def attach(self, sio):
        """Plain functions: each message is a task of its own, and one that awaits may be overtaken by the next."""
        def events(events, cursor):
            for event in events:
                say("event", event)  # Your work comes here: the cursor is kept after it.
            self.keep(cursor)

        def told(name, message):
            say(name, message)
            self.delay = 0.1 if name == "live" else self.delay
            if name == "token-expiring":
                auth = {"token": self.read_token()}
                sio.start_background_task(sio.emit, "authenticate", auth, callback=lambda ack: say("ack", ack))
            if "cursor" in message:
                self.keep(message["cursor"])

        def close(message):
            say("close", message)
            self.over = None if message["retry"] else message["code"]

        def connect_error(error):  # A text when the server could not be reached.
            code = (error.get("data") or {}).get("code") if isinstance(error, dict) else None
            say("connect_error", error)
            self.over = None if code is None or code in PASSING else code
            sio.start_background_task(sio.disconnect)

        for handler in (events, close, connect_error):
            sio.on(handler.__name__, handler)
        for name in ("live", "reset", "checkpoint", "revoked", "token-expiring"):
            sio.on(name, functools.partial(told, name))

    async def run(self):
        while not self.over:
            # A new client for each connection: what the last one holds still is not handed out beside its replay.
            async with aiohttp.ClientSession() as http:
                sio = socketio.AsyncClient(reconnection=False, http_session=http)
                self.attach(sio)
                auth = {"token": self.read_token(), "cursor": self.cursor, "subscriptions": self.options.subscription}
                say("connect", self.cursor)
                with contextlib.suppress(socketio.exceptions.ConnectionError):
                    await sio.connect(self.options.url, auth=auth, transports=self.options.transport, wait=False)
                    await sio.wait()
            await asyncio.sleep(0 if self.over else self.delay * random.uniform(0.5, 1))
            self.delay = min(self.delay * 2, 10)
        return f"ended: {self.over}"


parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("token_file", help="read at each connection, and when the server asks for a new token")
parser.add_argument("--cursor", help="resume after this")
parser.add_argument("--subscription", type=json.loads, action="append", default=[])
parser.add_argument("--transport", action="append", choices=["websocket", "polling"])
sys.exit(asyncio.run(Follower(parser.parse_args()).run()))
