"""Another common way to write such a service: FastAPI, the ORM of SQLAlchemy, redis and aiokafka, all asynchronous.

One commit, one cache access and one event per request. Durability and token check equal those of mathops.
"""

import json
import logging
import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated

from aiokafka import AIOKafkaProducer
from fastapi import Depends, FastAPI
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import BaseModel
from redis.asyncio import Redis
from sqlalchemy import event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

FOLDER = Path(os.environ["FASTAPI_BASELINE_FOLDER"])
KAFKA = os.environ.get("FASTAPI_BASELINE_KAFKA")
KEY = OctKey.import_key("the secret of the benchmark, 32 bytes")
CLAIMS = jwt.JWTClaimsRegistry(exp={"essential": True})

URL = os.environ.get("FASTAPI_BASELINE_DATABASE", f"sqlite+aiosqlite:///{FOLDER}/journal.db")
# With several connections, some requests wait seconds for the lock of SQLite.
engine = create_async_engine(URL, **({"pool_size": 1, "max_overflow": 0} if URL.startswith("sqlite") else {}))
sessions = async_sessionmaker(engine)
cache = Redis.from_url(os.environ["FASTAPI_BASELINE_REDIS"])
producer: AIOKafkaProducer | None = None
log = logging.getLogger("requests")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(RotatingFileHandler(FOLDER / "requests.log", maxBytes=10_000_000, backupCount=5))


class Base(DeclarativeBase):
    """The tables."""


class Request(Base):
    """A row of the journal."""

    __tablename__ = "baseline_requests"
    id: Mapped[str] = mapped_column(primary_key=True)
    timestamp: Mapped[float]
    user: Mapped[str]
    endpoint: Mapped[str]
    parameters: Mapped[str]
    result: Mapped[str]


class Login(BaseModel):
    """The body of a login."""

    user: str


if engine.dialect.name == "sqlite":

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: object, _: object) -> None:
        """As mathops does."""
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Create the table, and connect to Kafka."""
    global producer  # noqa: PLW0603 - the way of such applications
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    if KAFKA:
        producer = AIOKafkaProducer(bootstrap_servers=KAFKA, acks="all", enable_idempotence=True)
        await producer.start()
    yield
    if producer:
        await producer.stop()


app = FastAPI(lifespan=lifespan)


def current_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> str:
    """The user of the token."""
    token = jwt.decode(credentials.credentials, KEY, algorithms=["HS256"])
    CLAIMS.validate(token.claims)
    return str(token.claims["sub"])


@app.post("/login")
async def login(body: Login) -> dict[str, str]:
    """A token."""
    return {"token": jwt.encode({"alg": "HS256"}, {"sub": body.user, "exp": int(time.time()) + 3600}, KEY)}


@app.get("/pow")
async def power(base: int, exp: int, user: Annotated[str, Depends(current_user)]) -> dict[str, object]:
    """The result, once its row is committed and its event acknowledged."""
    key = f"pow:{base}:{exp}"
    cached = await cache.get(key)
    result = cached.decode() if cached else str(base**exp)
    if not cached:
        await cache.set(key, result, ex=60)
    parameters = {"base": str(base), "exp": str(exp)}
    row = {
        "id": str(uuid.uuid4()),
        "timestamp": time.time(),
        "user": user,
        "endpoint": "/pow",
        "parameters": json.dumps(parameters),
        "result": result,
    }
    async with sessions() as session:
        session.add(Request(**row))
        await session.commit()
    text = json.dumps(row)
    log.info(text)
    if producer:
        await producer.send_and_wait("baseline-requests", text.encode(), key=user.encode())
    return {"operation": "pow", "parameters": parameters, "result": result}
