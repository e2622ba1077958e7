# samples/Memo as an image: chiselled (no shell, no package manager), its own user, a root file system that can be read-only.
# Build from the repository's root:
#   deploy/scripts/pin-bases.sh > deploy/docker/bases.env      once a week: the bases by digest
#   deploy/scripts/build-image.sh Memo linux/amd64,linux/arm64
# The bases are arguments so that the script can give them by digest; the build script refuses tags.
ARG SDK_IMAGE=mcr.microsoft.com/dotnet/sdk:10.0
ARG RUNTIME_IMAGE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

FROM --platform=$BUILDPLATFORM ${SDK_IMAGE} AS build
ARG TARGETARCH
WORKDIR /source
ENV DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
COPY .editorconfig Directory.Build.props Directory.Packages.props global.json nuget.config LICENSE README.md ./
COPY eng/ eng/
COPY src/ src/
COPY docs/ docs/
COPY samples/Directory.Build.props samples/Directory.Build.props
COPY samples/Memo/ samples/Memo/
COPY deploy/HealthCheck/ deploy/HealthCheck/
RUN dotnet publish samples/Memo/Memo.csproj -c Release -o /app --no-self-contained -p:UseAppHost=false -p:RunAnalyzers=false
RUN dotnet publish deploy/HealthCheck/HealthCheck.csproj -c Release -o /health --no-self-contained -p:UseAppHost=false
RUN mkdir -p /data

FROM ${RUNTIME_IMAGE} AS final
ARG IMAGE_VERSION=0.0.0
ARG IMAGE_REVISION=unknown
LABEL org.opencontainers.image.title="coach-memo" \
      org.opencontainers.image.version="${IMAGE_VERSION}" \
      org.opencontainers.image.revision="${IMAGE_REVISION}"
WORKDIR /app
COPY --from=build /app/ ./
COPY --from=build /health/ /health/
COPY --from=build --chown=1654:1654 /data/ /data/
USER 1654:1654
VOLUME ["/data"]
# /data is all that is written, and /tmp; HOME holds the key ring of cookies and sealed session keys.
ENV HOST=0.0.0.0 \
    PORT=8080 \
    HOME=/data \
    DOTNET_EnableDiagnostics=0 \
    MEMO_DATA=/data/memo
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=10s --start-period=40s --retries=3 \
  CMD ["dotnet", "/health/HealthCheck.dll", "http://127.0.0.1:8080/livez", "5"]
ENTRYPOINT ["dotnet", "/app/Memo.dll"]
