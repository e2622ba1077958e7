using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Deploy.Tests;

public sealed class NginxTests
{
    [Fact]
    public async Task Configuration_PassesNginxsOwnCheck()
    {
        DeployFiles.SkipWithout("nginx", "nginx-light");
        using var folder = new TempFolder();
        DeployFiles.Copy("deploy/nginx", folder.Path);
        string nginx = folder.File("deploy/nginx");
        WriteCertificate(Directory.CreateDirectory(Path.Combine(nginx, "tls")).FullName);
        foreach (string file in Directory.EnumerateFiles(nginx, "*.conf", SearchOption.AllDirectories))
        {
            // The same text in another place: paths of the image, names of the compose network, no rights to port 80.
            string text = await File.ReadAllTextAsync(file);
            await File.WriteAllTextAsync(file, text
                .Replace("/etc/nginx/mime.types", "MIME", StringComparison.Ordinal)
                .Replace("/etc/nginx/", nginx + "/", StringComparison.Ordinal)
                .Replace("MIME", "/etc/nginx/mime.types", StringComparison.Ordinal)
                .Replace("/run/nginx.pid", folder.File("nginx.pid"), StringComparison.Ordinal)
                .Replace("chat-1:8080", "127.0.0.1:18001", StringComparison.Ordinal)
                .Replace("chat-2:8080", "127.0.0.1:18002", StringComparison.Ordinal)
                .Replace("server memo:8080", "server 127.0.0.1:18003", StringComparison.Ordinal)
                .Replace("server processor:8080", "server 127.0.0.1:18004", StringComparison.Ordinal)
                .Replace("listen 80 ", "listen 18080 ", StringComparison.Ordinal)
                .Replace("[::]:80 ", "127.0.0.2:18080 ", StringComparison.Ordinal)
                .Replace("listen 443 ", "listen 18443 ", StringComparison.Ordinal)
                .Replace("[::]:443 ", "127.0.0.2:18443 ", StringComparison.Ordinal));
        }

        (int code, _, string errors) = await DeployFiles.RunAsync(
            "nginx", ["-t", "-p", folder.Path, "-e", "stderr", "-c", Path.Combine(nginx, "nginx.conf")]);

        Assert.True(code == 0, errors);
        Assert.DoesNotContain("[warn] conflicting", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_IsTls13Only_AndStreams()
    {
        string main = DeployFiles.Read("nginx/nginx.conf");
        Assert.Contains("ssl_protocols TLSv1.3;", main, StringComparison.Ordinal);
        Assert.DoesNotContain("TLSv1.2", main, StringComparison.Ordinal);
        Assert.Contains("server_tokens off;", main, StringComparison.Ordinal);
        string proxy = DeployFiles.Read("nginx/snippets/proxy.conf");
        string forwarded = DeployFiles.Read("nginx/snippets/forwarded.conf");
        Assert.Contains("proxy_buffering off;", forwarded, StringComparison.Ordinal);
        Assert.Contains("X-Forwarded-For $remote_addr;", forwarded, StringComparison.Ordinal);
        Assert.DoesNotContain("non_idempotent", proxy, StringComparison.Ordinal);
        Assert.Contains("snippets/websocket.conf;", DeployFiles.Read("nginx/sites/processor.conf"), StringComparison.Ordinal);
        Assert.Contains(
            "proxy_set_header Upgrade $http_upgrade;", DeployFiles.Read("nginx/snippets/websocket.conf"), StringComparison.Ordinal);
        Assert.Contains("location = /metrics { return 404; }", DeployFiles.Read("nginx/snippets/tls.conf"), StringComparison.Ordinal);
    }

    private static void WriteCertificate(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        File.WriteAllText(Path.Combine(folder, "fullchain.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(folder, "privkey.pem"), key.ExportPkcs8PrivateKeyPem());
    }
}
