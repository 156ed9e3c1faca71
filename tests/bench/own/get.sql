\set g random(1, :claims)
select id, version, create_time, update_time, head_hash, body from claim where id = (lpad(to_hex(x'01900000'::bigint + :g::bigint / 65536), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(:g::bigint), 12, '0'))::uuid and (1 = 1);
