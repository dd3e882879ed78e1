# The broker's image. `npm run image` bundles the sources into the build context first: nothing is fetched here.
# Node as PID 1 gets no signal that it does not handle and cannot send itself one: run with an init (docker run --init),
# or with the pod's process namespace shared.
FROM docker.io/library/node:24-bookworm-slim
COPY app /opt/ottla
USER 1000:1000
WORKDIR /tmp
EXPOSE 9092 9404
ENTRYPOINT ["node", "/opt/ottla/main.mjs"]
