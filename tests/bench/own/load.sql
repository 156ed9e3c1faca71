-- Multiplies the demo's claims to :claims copies with keys, numbers and repair orders of their own.
-- Their stations are the twenty whose clerks the bench signs in. Of ten copies three are SUBMITTED, three IN_REVIEW (with two lines each, so that one decision fits all), four decided. A copy's change row stands for its history.
create temp table template as
  select row_number() over (partition by class order by id) - 1 as n, count(*) over (partition by class) as of, t.*
  from (select case state when 'SUBMITTED' then 0 when 'IN_REVIEW' then 1 else 2 end as class, c.* from claim c
        where state in ('SUBMITTED', 'APPROVED', 'REJECTED') or (state = 'IN_REVIEW' and auditor = :'auditor'::uuid
                                                                            and jsonb_array_length(body::jsonb -> 'lines') = 2)) t;
create temp table copy as
  select g, (lpad(to_hex(x'01900000'::bigint + g / 65536), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(g), 12, '0'))::uuid as id,
         case when g % 10 < 3 then 0 when g % 10 < 6 then 1 else 2 end as class, (g * 2654435761) % 4294967296 / 16 as spread
  from generate_series(1::bigint, :claims) g;
create temp table clerk as select row_number() over (order by code) - 1 as n, id, code from station where code <= 'S-020';
insert into claim (id, version, create_time, update_time, head_hash, body_version, body, number, station_id, station, created_by,
  kind, state, vin, causal_part, failure_code, campaign, external_ref, external_repair_order, external_job, open_job_key,
  complaint_date, repair_completion_date, submit_order, submit_time, first_submit_time, review_due_time, answer_due_time, auditor,
  currency, requested_minor, computed_minor, approved_minor, revision, finding_errors, finding_warnings, odometer_in_km, head)
select c.id, t.version, 1735689600000000 + c.g * 30000000, 1735689600000000 + c.g * 30000000, t.head_hash, t.body_version,
  regexp_replace(replace(replace(replace(replace(t.body, t.id::text, c.id::text), t.number, 'WR-B-' || c.g),
                                 t.station_id::text, s.id::text), '"' || t.station || '"', '"' || s.code || '"'),
                 '"external_(repair_order|ref)":"[^"]*"', '"external_\1":"B-' || c.g || '"', 'g'),
  'WR-B-' || c.g, s.id, s.code, t.created_by, t.kind, t.state, t.vin, t.causal_part, t.failure_code, t.campaign,
  null, 'B-' || c.g, t.external_job, null, t.complaint_date, t.repair_completion_date, 1735689600000000 + c.g * 30000000,
  t.submit_time, t.first_submit_time, t.review_due_time, t.answer_due_time, t.auditor, t.currency, t.requested_minor,
  t.computed_minor, t.approved_minor, t.revision, t.finding_errors, t.finding_warnings, t.odometer_in_km,
  -- The head as the server packs it (crates/repository/src/claim_heads.rs).
  array_to_string(array['1', 'WR-B-' || c.g, s.id::text, s.code, t.kind, t.state, t.vin, t.causal_part, t.failure_code, t.campaign, null,
    'B-' || c.g, t.external_job, t.complaint_date, t.repair_completion_date, t.submit_time::text, t.first_submit_time::text,
    t.review_due_time::text, t.answer_due_time::text, t.auditor::text, t.currency, t.requested_minor::text, t.computed_minor::text,
    t.approved_minor::text, t.revision::text, t.odometer_in_km::text, null, null], E'\x1f', '')
from copy c join template t on t.class = c.class and t.n = c.spread % t.of join clerk s on s.n = c.spread / 64 % 20;
insert into change (id, command_id, resource, collection, resource_id, version, verb, paths, snapshot, actor, actor_org, job, time, audience, prev_hash, hash)
select id, id, 'claims/' || id, 'claims', id, version, 'load', '[]', '{}', created_by, station_id, null, create_time, '[]', '\x'::bytea, head_hash
from claim where number like 'WR-B-%';
vacuum analyze;
checkpoint;
