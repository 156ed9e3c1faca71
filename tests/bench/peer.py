"""The peer that the goals name: FastAPI and SQLAlchemy's async ORM over the yardstick's schema, as their documentation
shows it. No token, no rule, no idempotency: it does less than the server that it is compared with.

bench.py installs it (`peer-install`) and runs it as the target `peer`.
"""
import datetime, os

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import BigInteger, DateTime, ForeignKey, SmallInteger, func, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

engine = create_async_engine(os.environ["PEER_DATABASE"], pool_size=16, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Line(Base):
    __tablename__ = "claim_line"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"))
    line_no: Mapped[int] = mapped_column(SmallInteger)
    kind: Mapped[str]
    part_id: Mapped[int | None]
    op_code: Mapped[str | None]
    qty_milli: Mapped[int]
    unit_minor: Mapped[int] = mapped_column(BigInteger)
    amount_minor: Mapped[int] = mapped_column(BigInteger)


class Claim(Base):
    __tablename__ = "claim"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    claim_no: Mapped[str]
    station_id: Mapped[int]
    vin: Mapped[str]
    status: Mapped[int] = mapped_column(SmallInteger)
    odometer_km: Mapped[int]
    failure_date: Mapped[datetime.date]
    causal_part_id: Mapped[int]
    fault_code: Mapped[str]
    complaint: Mapped[str]
    currency: Mapped[str]
    total_minor: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime.datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    lines: Mapped[list[Line]] = relationship(order_by=Line.line_no)


class Audit(Base):
    __tablename__ = "audit_log"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    actor: Mapped[str]
    action: Mapped[str]
    entity: Mapped[str]
    entity_id: Mapped[int] = mapped_column(BigInteger)
    diff: Mapped[dict] = mapped_column(JSONB)


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    topic: Mapped[str]
    key: Mapped[int] = mapped_column(BigInteger)
    payload: Mapped[dict] = mapped_column(JSONB)


class Posting(Base):
    __tablename__ = "ledger_entry"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    claim_id: Mapped[int] = mapped_column(BigInteger)
    account: Mapped[str]
    side: Mapped[str]
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str]


class NewLine(BaseModel):
    kind: str
    part_id: int | None = None
    op_code: str | None = None
    qty_milli: int
    unit_minor: int


class NewClaim(BaseModel):
    claim_no: str
    station_id: int
    vin: str
    odometer_km: int
    failure_date: datetime.date
    causal_part_id: int
    fault_code: str
    complaint: str
    currency: str
    lines: list[NewLine]


class ShownLine(NewLine):
    model_config = ConfigDict(from_attributes=True)
    id: int
    line_no: int
    amount_minor: int


class Head(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    claim_no: str
    station_id: int
    vin: str
    status: int
    odometer_km: int
    failure_date: datetime.date
    causal_part_id: int
    fault_code: str
    complaint: str
    currency: str
    total_minor: int
    version: int
    created_at: datetime.datetime
    updated_at: datetime.datetime


class Whole(Head):
    lines: list[ShownLine]


async def session():
    async with sessions() as opened:
        yield opened


@app.get("/claims/{claim}", response_model=Whole)
async def get(claim: int, db: AsyncSession = Depends(session)):
    found = await db.get(Claim, claim, options=[selectinload(Claim.lines)])
    if found is None:
        raise HTTPException(404)
    return found


@app.get("/claims", response_model=list[Head])
async def page(station: int, before: int, db: AsyncSession = Depends(session)):
    wanted = select(Claim).where(Claim.station_id == station, Claim.status == 2, Claim.id < before)
    return (await db.scalars(wanted.order_by(Claim.id.desc()).limit(50))).all()


@app.post("/claims", response_model=Whole, status_code=201)
async def create(new: NewClaim, db: AsyncSession = Depends(session)):
    lines = [Line(line_no=number, amount_minor=line.qty_milli * line.unit_minor // 1000, **line.model_dump()) for number, line in enumerate(new.lines, 1)]
    total = sum(line.amount_minor for line in lines)
    claim = Claim(**new.model_dump(exclude={"lines"}), status=2, total_minor=total, lines=lines)
    db.add(claim)
    await db.flush()
    db.add(Audit(actor=f"station:{new.station_id}", action="claim.create", entity="claim", entity_id=claim.id, diff={"status": [None, 2], "total_minor": [None, total]}))
    db.add(Outbox(topic="claim.created", key=claim.id, payload={"status": 2, "total_minor": total}))
    await db.commit()
    return claim


@app.post("/claims/{claim}/approve", response_model=Head)
async def approve(claim: int, db: AsyncSession = Depends(session)):
    found = await db.get(Claim, claim, with_for_update=True)
    if found is None:
        raise HTTPException(404)
    found.status, found.version, found.updated_at = 4, found.version + 1, datetime.datetime.now(datetime.UTC)
    sides = (("warranty_expense", "D"), ("station_payable", "C"))
    db.add_all([Posting(claim_id=claim, account=account, side=side, amount_minor=found.total_minor, currency=found.currency) for account, side in sides])
    db.add(Audit(actor="user:7", action="claim.approve", entity="claim", entity_id=claim, diff={"status": [2, 4]}))
    db.add(Outbox(topic="claim.approved", key=claim, payload={"status": 4, "total_minor": found.total_minor}))
    await db.commit()
    return found
