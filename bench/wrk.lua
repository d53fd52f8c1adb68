-- Sends one fixed request and counts the answers that are not the expected one: wrk -s wrk.lua URL -- BODY_FILE HEADERS_FILE MARKER STATUS
-- The result leaves as one line of JSON, because wrk's own text rounds its percentiles.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init(args)
  local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
  end
  wrk.method = "POST"
  wrk.body = read(args[1])
  for line in read(args[2]):gmatch("[^\n]+") do
    local name, value = line:match("^([^:]+): (.*)$")
    wrk.headers[name] = value
  end
  marker = args[3]
  expected = tonumber(args[4])
  bad = 0
  odd = 0
  prepared = wrk.format()
end

function request()
  return prepared
end

function response(status, headers, body)
  if status ~= expected then
    odd = odd + 1
  elseif not body:find(marker, 1, true) then
    bad = bad + 1
  end
end

function done(summary, latency, requests)
  local bad_bodies, odd_statuses = 0, 0
  for _, thread in ipairs(threads) do
    bad_bodies = bad_bodies + thread:get("bad")
    odd_statuses = odd_statuses + thread:get("odd")
  end
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"seconds":%.6f,"p50":%.4f,"p90":%.4f,"p99":%.4f,"max":%.4f,"badBodies":%d,"oddStatuses":%d,"socketErrors":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(90) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3,
    bad_bodies, odd_statuses, errors.connect + errors.read + errors.write + errors.timeout))
end
