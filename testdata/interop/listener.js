// A listener on the npm package supervisord-eventlistener, which needs header and
// payload in one write.
const fs = require("fs");
const listener = require("supervisord-eventlistener");
listener.on("event", (type, headers, data) => {
	fs.appendFileSync(process.argv[2], `${type} ${headers.poolserial} ${data && data.processname}\n`);
});
listener.listen(process.stdin, process.stdout);
