# The gateway in a container: docs/docker.md.
FROM node:24-slim AS build
WORKDIR /app
# Without the workspace below tools/, which is a second Node for clones on older hosts.
COPY package.json package-lock.json ./
RUN npm ci --workspaces=false --ignore-scripts
COPY tsconfig.json tsconfig.build.json conduit.worker.yaml ./
COPY src src
RUN npm run build \
  && npm ci --omit=dev --workspaces=false --ignore-scripts \
  && find dist -name '*.d.ts' -delete \
  && rm -rf dist/edge dist/worker.js

FROM node:24-slim
LABEL org.opencontainers.image.title="Conduit" \
  org.opencontainers.image.description="An OpenAI-compatible reverse proxy that learns which model to send each request to" \
  org.opencontainers.image.licenses="MIT"
# glibc else keeps a reserve of memory for each thread.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
COPY package.json LICENSE /app/
COPY bin /app/bin
COPY --from=build /app/node_modules /app/node_modules
COPY --from=build /app/dist /app/dist
# Where the config is looked for, and what is learned is kept: a volume takes over whose folder it is.
RUN install -d -o node -g node /conduit && install -d -o node -g node -m 700 /conduit/.conduit
WORKDIR /conduit
# The user node, by its number: so whoever starts it can tell that it is not root.
USER 1000:1000
VOLUME /conduit/.conduit
EXPOSE 8787
HEALTHCHECK --interval=15s --timeout=5s --start-period=15s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:8787/health').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--max-semi-space-size=16", "--heap-growing-percent=30", "/app/bin/conduit.js"]
# Whatever a config says: this is how the container's port is reached. Whoever serves beyond a machine needs keys.
CMD ["serve", "--host", "0.0.0.0", "--port", "8787"]
