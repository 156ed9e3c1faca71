\set n random(:claims / 2, :claims)
\set s random(1, 20)
select id, version, create_time, update_time, head from claim where (station_id = (select id from station where code = 'S-' || lpad((:s::bigint)::text, 3, '0'))) and (state = 'SUBMITTED' and create_time < 1735689600000000 + :n::bigint * 30000000::bigint) order by create_time desc, id desc limit 51;
