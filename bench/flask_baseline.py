"""A common way to write such a service: Flask with one commit, one Redis call and one log line per request.

Durability and token check equal those of mathops: WAL, synchronous=FULL, commit before the response, JWT.
"""

import json
import logging
import os
import sqlite3
import threading
import time
import uuid
from logging.handlers import RotatingFileHandler
from pathlib import Path

import redis
from flask import Flask, Response, jsonify, request
from joserfc import jwt
from joserfc.jwk import OctKey

FOLDER = Path(os.environ["FLASK_BASELINE_FOLDER"])
KEY = OctKey.import_key("the secret of the benchmark, 32 bytes")
CLAIMS = jwt.JWTClaimsRegistry(exp={"essential": True})

app = Flask(__name__)
cache = redis.Redis.from_url(os.environ["FLASK_BASELINE_REDIS"])
local = threading.local()
log = logging.getLogger("requests")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(RotatingFileHandler(FOLDER / "requests.log", maxBytes=10_000_000, backupCount=5))


def database() -> sqlite3.Connection:
    if not hasattr(local, "database"):
        local.database = sqlite3.connect(FOLDER / "journal.db", timeout=5)
        local.database.execute("PRAGMA journal_mode=WAL")
        local.database.execute("PRAGMA synchronous=FULL")
        local.database.execute(
            "CREATE TABLE IF NOT EXISTS requests"
            " (id TEXT PRIMARY KEY, timestamp REAL, user TEXT, endpoint TEXT, parameters TEXT, result TEXT)"
        )
    return local.database


@app.post("/login")
def login() -> Response:
    claims = {"sub": request.get_json()["user"], "exp": int(time.time()) + 3600}
    return jsonify(token=jwt.encode({"alg": "HS256"}, claims, KEY))


@app.get("/pow")
def power() -> Response:
    token = jwt.decode(request.headers["Authorization"].removeprefix("Bearer "), KEY, algorithms=["HS256"])
    CLAIMS.validate(token.claims)
    base, exponent = int(request.args["base"]), int(request.args["exp"])
    key = f"pow:{base}:{exponent}"
    cached = cache.get(key)
    result = cached.decode() if cached else str(base**exponent)
    if not cached:
        cache.setex(key, 60, result)
    parameters = json.dumps({"base": base, "exp": exponent})
    row = (str(uuid.uuid4()), time.time(), token.claims["sub"], "/pow", parameters, result)
    with database() as transaction:
        transaction.execute("INSERT INTO requests VALUES (?, ?, ?, ?, ?, ?)", row)
    log.info(json.dumps(row))
    return jsonify(operation="pow", parameters={"base": str(base), "exp": str(exponent)}, result=result)
