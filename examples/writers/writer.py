import os
import sys

import psycopg
from psycopg.types.json import Jsonb


def pay(db, order_id, amount):
    with db.transaction():
        update = "update orders set paid = paid + %s where id = %s returning paid, total"
        paid, total = db.execute(update, (amount, order_id)).fetchone()
        db.execute(
            "insert into commitcast.outbox (org_id, unit_id, type, data) values (%s, %s, %s, %s)",
            ("acme", order_id, "order.paid", Jsonb({"amount": amount, "paid": paid})),
        )
        # Whatever is raised in here takes back the update and the event.
        if paid > total:
            raise ValueError(f"{order_id} costs {total}, not {paid}")


with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as db:
    pay(db, sys.argv[1], int(sys.argv[2]))
