using System.Net;
using System.Net.Sockets;
using static Coach.Proofs.Host.AttackProof;
using static Coach.Proofs.Host.RawHttp;

namespace Coach.Proofs.Host;

/// <summary>Figures, health and files that are for those who run the host.</summary>
internal static class OperatorAttacks
{
    private static readonly string[] Traces =
        ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https", "X-Forwarded-Host: localhost", "Forwarded: for=203.0.113.9", "X-Real-IP: 203.0.113.9", "Via: 1.1 proxy", "X-Original-For: 203.0.113.9"];

    public static IEnumerable<Attack> Of(ProofHost host) =>
    [
        .. Traces.Select(trace => new Attack($"figures through a proxy: {trace.Split(':')[0]}", async () =>
            Expect(await host.SendAsync("GET", "/metrics", null, trace), 404)
            ?? Expect(await host.SendAsync("GET", "/healthz", null, trace, "Accept: application/json"), 404))),
        new("health through a proxy is one word", async () =>
        {
            RawAnswer answer = await host.SendAsync("GET", "/healthz", null, Traces[0]);
            return answer.Status == 200 && answer.Body is "ok" or "ok\n" ? null : answer.Body;
        }),
        new("with a port of their own, figures are nowhere else", async () =>
        {
            int port = FreePort();
            await using ProofHost watched = await ProofHost.StartAsync(new() { ["Coach:Observability:Port"] = port.ToString(System.Globalization.CultureInfo.InvariantCulture) });
            return Expect(await watched.SendAsync("GET", "/metrics"), 404)
                ?? Expect(await watched.SendAsync("GET", "/healthz", null, "Accept: application/json"), 404)
                ?? Expect(await SendAsync(port, Request("GET", "/metrics")), 200);
        }),
        new("neighbours on the machine cannot read the index", () =>
        {
            if (OperatingSystem.IsWindows())
            {
                return Task.FromResult<string?>(null); // access there is the folder's, by inheritance
            }

            UnixFileMode file = File.GetUnixFileMode(host.IndexFile);
            UnixFileMode folder = File.GetUnixFileMode(Path.GetDirectoryName(host.IndexFile)!);
            bool isOwn = file == (UnixFileMode.UserRead | UnixFileMode.UserWrite)
                && folder == (UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            return Task.FromResult(isOwn ? null : $"{file} / {folder}");
        }),
    ];

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
