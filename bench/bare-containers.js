// The limit that bench/containers.js compares with: create, start, wait and remove through the engine's API, four at a time, nothing else.
// node bench/bare-containers.js <containers> <image>
import http from 'node:http';

const [count, image] = [Number(process.argv[2]), process.argv[3]];
const socketPath = (process.env.DOCKER_HOST ?? 'unix:///var/run/docker.sock').replace('unix://', '');
const agent = new http.Agent({ keepAlive: true });

function call(method, path, body) {
  const payload = body && JSON.stringify(body);
  const headers = payload ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) } : {};
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath, agent, method, path, headers }, async response => {
      let text = '';
      for await (const chunk of response) text += chunk;
      if (response.statusCode >= 400) reject(new Error(text));
      else resolve(text && JSON.parse(text));
    });
    request.once('error', reject);
    request.end(payload);
  });
}

let left = count;
async function work() {
  while (left-- > 0) {
    const { Id } = await call('POST', '/containers/create', {
      Image: image,
      Cmd: ['/bin/sh', '-c', 'true'],
      HostConfig: { NetworkMode: 'none', Init: true },
    });
    await call('POST', `/containers/${Id}/start`);
    await call('POST', `/containers/${Id}/wait`);
    await call('DELETE', `/containers/${Id}`);
  }
}
await Promise.all([work(), work(), work(), work()]);
agent.destroy();
