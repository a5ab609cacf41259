/** What is measured: the mock itself, nginx, Conduit twice, Portkey and any peer that is already running. */
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { START_ARGUMENTS, START_ENVIRONMENT } from '../start-command.ts';
import type { Address } from './conversations.ts';
import { freePort, lastWords, makeFolder, type Running, start, startUntil } from './processes.ts';

export interface Target {
  name: string;
  /** A process of its own each time; one that was already running has no `process`. */
  start(): Promise<StartedTarget>;
  /** Whether another one can be started beside it. */
  restarts: boolean;
}

export interface StartedTarget {
  address: Address;
  process?: Running;
}

const HOST = '127.0.0.1';
const PATH = '/v1/chat/completions';
const READY_MS = 20_000;

function addressOf(port: number, model: string, headers: Record<string, string> = {}): Address {
  return { host: HOST, port, path: PATH, model, headers };
}

export function direct(mockPort: number): Target {
  return { name: 'direct', restarts: false, start: async () => ({ address: addressOf(mockPort, 'mock-1') }) };
}

export function nginx(mockPort: number): Target {
  return {
    name: 'nginx',
    restarts: true,
    async start() {
      const folder = makeFolder();
      const port = await freePort();
      const file = join(folder, 'nginx.conf');
      writeFileSync(file, nginxConfig(folder, port, mockPort));
      const running = await start({
        command: 'nginx',
        arguments: ['-p', folder, '-e', join(folder, 'error.log'), '-c', file],
        folder,
        // Where it lies, which is not on everyone's path.
        environment: { PATH: `${process.env.PATH}:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin` },
      });
      await accepting(port, running, folder);
      return { address: addressOf(port, 'mock-1'), process: running };
    },
  };
}

function nginxConfig(folder: string, port: number, mockPort: number): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 2048; }
http {
  access_log off;
  ${temporary.join('\n  ')}
  keepalive_requests 1000000000;
  upstream mock { server ${HOST}:${mockPort}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen ${HOST}:${port};
    location / {
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

/** A pinned model, nobody to authenticate, nothing kept: what is left is a proxy. */
export function conduitOff(mockPort: number): Target {
  return conduit('conduit-off', addressOf(0, 'mock/a'), {
    server: { port: 0 },
    providers: { mock: { base_url: `http://${HOST}:${mockPort}/v1` } },
    models: [{ id: 'mock/a', price: { input: 1, output: 1 } }],
    stores: { durable: 'none' },
  });
}

/** Keys with limits, a router of four arms with budgets, the embedded store, and the defaults of everything else. */
export function conduitOn(mockPort: number): Target {
  const models = ['a', 'b', 'c', 'd'].map((name, i) => ({
    id: `mock/${name}`,
    price: { input: 0.1 * 2 ** i, output: 0.4 * 2 ** i },
  }));
  const key = 'bench-key-0123456789abcdef';
  return conduit('conduit-on', addressOf(0, 'auto', { authorization: `Bearer ${key}` }), {
    server: { port: 0 },
    keys: [
      { name: 'bench', key, requests_per_minute: 1_000_000_000, usd_per_day: 1_000_000 },
      { name: 'ops', key: 'ops-key-0123456789abcdef', admin: true },
    ],
    providers: { mock: { base_url: `http://${HOST}:${mockPort}/v1`, api_key: 'mock-key' } },
    models,
    routers: {
      auto: { models: models.map(({ id }) => id), answers_to: ['gpt-4o'], max_usd_per_request: 1, usd_per_day: 1e6 },
    },
  });
}

function conduit(name: string, address: Address, config: object): Target {
  return {
    name,
    restarts: true,
    async start() {
      const folder = makeFolder();
      const file = join(folder, 'conduit.json');
      writeFileSync(file, JSON.stringify(config));
      const { running, match } = await startUntil(
        {
          command: process.execPath,
          arguments: [...START_ARGUMENTS, '--config', file],
          environment: START_ENVIRONMENT,
          folder,
        },
        /^conduit listening on http:\/\/.*:(\d+)$/,
      );
      return { address: { ...address, port: Number(match[1]) }, process: running };
    },
  };
}

/** `directory` is where the package has been installed. */
export function portkey(mockPort: number, directory: string): Target {
  const script = join(directory, 'node_modules/@portkey-ai/gateway/build/start-server.js');
  return {
    name: 'portkey',
    restarts: true,
    async start() {
      if (!existsSync(script)) throw new Error(`no ${script}: npm install @portkey-ai/gateway there`);
      const folder = makeFolder();
      const port = await freePort();
      const running = await start({
        command: process.execPath,
        arguments: [script, `--port=${port}`, '--headless'],
        folder,
        environment: { NODE_ENV: 'production' },
      });
      await accepting(port, running, folder);
      const headers = {
        authorization: 'Bearer mock-key',
        'x-portkey-provider': 'openai',
        'x-portkey-custom-host': `http://${HOST}:${mockPort}/v1`,
      };
      return { address: addressOf(port, 'mock-1', headers), process: running };
    },
  };
}

/** `NAME=URL[,model=MODEL][,header=NAME:VALUE]…`, the URL with `/v1`; it has to be in front of the mock already. */
export function peer(text: string): Target {
  const [first = '', ...options] = text.split(',');
  const [name, url] = splitOnce(first, '=');
  if (!name || !URL.canParse(url) || new URL(url).protocol !== 'http:') {
    throw new Error(`--peer ${text}: NAME=http://HOST:PORT/v1[,model=MODEL][,header=NAME:VALUE]`);
  }
  const { hostname, port, pathname } = new URL(url);
  let model = 'mock-1';
  const headers: Record<string, string> = {};
  for (const option of options) {
    const [kind, value] = splitOnce(option, '=');
    const [header, headerValue] = splitOnce(value, ':');
    if (kind === 'model') model = value;
    else if (kind === 'header') headers[header.toLowerCase()] = headerValue.trim();
    else throw new Error(`--peer: no option ${kind} (allowed: model, header)`);
  }
  const path = `${pathname.replace(/\/$/, '')}/chat/completions`;
  return {
    name,
    restarts: false,
    start: async () => ({ address: { host: hostname, port: Number(port || 80), path, model, headers } }),
  };
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** Resolves once something accepts connections there. */
async function accepting(port: number, running: Running, folder: string): Promise<void> {
  const deadline = performance.now() + READY_MS;
  while (running.alive() && performance.now() < deadline) {
    const socket = connect(port, HOST);
    try {
      await once(socket, 'connect');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    } finally {
      socket.destroy();
    }
  }
  const words = lastWords(folder);
  await running.stop();
  throw new Error(words || 'it does not accept connections');
}
