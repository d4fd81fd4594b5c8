// What the npm packages supervisord and node-supervisord ask.
const supervisord = require("supervisord");
const { SupervisordClient } = require("node-supervisord");
const [url, socket] = process.argv.slice(2);

// The older package has callbacks, and takes a unix socket, too.
function older(name, address) {
	const client = supervisord.connect(address);
	return new Promise((resolve, reject) => {
		client.getAllProcessInfo((err, all) => {
			if (err) return reject(err);
			client.stopProcess("cat", (err, stopped) => {
				if (err) return reject(err);
				client.startProcess("cat", (err, started) => {
					if (err) return reject(err);
					console.log(name, all.length, all[0].name, all[0].statename, stopped, started);
					resolve();
				});
			});
		});
	});
}

async function newer() {
	const client = new SupervisordClient(url);
	console.log("version", await client.getAPIVersion());
	const info = await client.getProcessInfo("cat");
	console.log("info", info.name, info.statename, info.pid > 0);
	try {
		await client.startProcess("nobody");
	} catch (err) {
		console.log("fault", err.faultCode ?? err.code, String(err.message).includes("BAD_NAME"));
	}
}

older("tcp", url).then(() => older("unix", "unix://" + socket)).then(newer).then(
	() => process.exit(0),
	(err) => { console.error(err); process.exit(1); },
);
