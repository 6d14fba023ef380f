-- Prints what was measured as one JSON line; latencies in microseconds.
-- With `-- N` after the URL every request carries the next of N tokens, bench-1 to bench-N.
local tokens = 0
local at = 0

init = function(args)
  tokens = tonumber(args[1] or "0")
  if tokens > 0 then
    request = function()
      at = at % tokens + 1
      wrk.headers["X-Auth-Token"] = "bench-" .. at
      return wrk.format()
    end
  end
end

done = function(summary, latency)
  io.write(string.format('RESULT {"requests":%d,"microseconds":%d,"errors":%d,"p50":%d,"p99":%d,"p999":%d}\n',
    summary.requests, summary.duration,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
