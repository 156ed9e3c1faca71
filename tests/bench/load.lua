-- wrk's requests for one job of the bench. Settings come in the environment:
--   JOB get|list|create|approve, peer-get … for the peer   TOKENS file with one bearer token a line   CLAIMS how many copies there are
--   START first claim to approve (each run takes fresh ones)   THREADS wrk's threads   BODY body of a creation or decision
local job, claims = os.getenv("JOB"), tonumber(os.getenv("CLAIMS"))
local start, threads = tonumber(os.getenv("START") or "0"), tonumber(os.getenv("THREADS") or "2")
local body, tokens = os.getenv("BODY") or "", {}
for line in io.lines(os.getenv("TOKENS")) do tokens[#tokens + 1] = line end

local counter = 0
function setup(thread)
  thread:set("number", counter)
  counter = counter + 1
end

local step = 0
function init()
  math.randomseed(os.time() * 1000 + number * 7919)
end

-- The id that load.sql gives to copy g.
local function id(g)
  return string.format("%08x-0000-7000-8000-%012x", 0x01900000 + math.floor(g / 65536), g)
end

local function key()
  return string.format("%08x-%04x-4%03x-8%03x-%08x%04x", math.random(0, 0x7fffffff), math.random(0, 0xffff),
    math.random(0, 0xfff), math.random(0, 0xfff), math.random(0, 0x7fffffff), math.random(0, 0xffff))
end

local function headers(extra)
  local all = {["Authorization"] = "Bearer " .. tokens[math.random(#tokens)], ["Content-Type"] = "application/json"}
  for name, value in pairs(extra or {}) do all[name] = value end
  return all
end

-- The same four jobs in the peer's words.
local function peer(job)
  local json = {["Content-Type"] = "application/json"}
  if job == "get" then
    return wrk.format("GET", "/claims/" .. math.random(1, claims))
  elseif job == "list" then
    return wrk.format("GET", "/claims?station=" .. math.random(1, 2000) .. "&before=" .. math.random(math.floor(claims / 2), claims))
  elseif job == "create" then
    return wrk.format("POST", "/claims", json, '{"station_id": ' .. math.random(1, 2000) .. ", " .. body:sub(2))
  end
  return wrk.format("POST", "/claims/" .. math.random(1, claims) .. "/approve", json)
end

function request()
  if job == "get" then
    return wrk.format("GET", "/v1/claims/" .. id(math.random(1, claims)), headers())
  elseif job == "list" then
    -- Pages begin anywhere in the upper half, as the yardstick's do.
    local day = os.date("!%Y-%m-%dT%H:%M:%SZ", 1735689600 + math.random(math.floor(claims / 2), claims) * 30)
    local filter = "state%3D%22SUBMITTED%22%20AND%20create_time%3C%22" .. day:gsub(":", "%%3A") .. "%22"
    return wrk.format("GET", "/v1/claims?pageSize=50&orderBy=create_time%20desc&filter=" .. filter, headers())
  elseif job == "create" then
    return wrk.format("POST", "/v1/claims", headers({["Idempotency-Key"] = key()}), body)
  elseif job:sub(1, 5) == "peer-" then
    return peer(job:sub(6))
  end
  -- Copies 10k+3 … 10k+5 wait in review.
  local n = start + step * threads + number
  step = step + 1
  local g = math.floor(n / 3) * 10 + 3 + n % 3
  return wrk.format("POST", "/v1/claims/" .. id(g) .. ":adjudicate", headers({["Idempotency-Key"] = key()}), body)
end

local shown = 0
function response(status, _, text)
  if status >= 300 and shown < 1 then
    shown = shown + 1
    io.stderr:write(job, " ", status, " ", text:sub(1, 400), "\n")
  end
end
