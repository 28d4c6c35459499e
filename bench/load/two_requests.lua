-- wrk: a list and a rating in turn. Both are made once; nothing is read of an answer.
local list = "GET /recommendations/?user_id=4711&n=10 HTTP/1.1\r\nHost: target\r\n\r\n"
local body = '{"user_id":4711,"movie_id":318,"rating":4.5,"request_id":"0123456789abcdef01234567"}'
local rating = "POST /ratings/ HTTP/1.1\r\nHost: target\r\nContent-Type: application/json\r\n" ..
    "Content-Length: " .. #body .. "\r\n\r\n" .. body
local is_list = false

request = function()
    is_list = not is_list
    return is_list and list or rating
end
