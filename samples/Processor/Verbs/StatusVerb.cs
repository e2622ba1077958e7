using System.Text.Json;
using Processor.Registry;

namespace Processor.Verbs;

/// <summary><c>status</c>: whether a host answers, which image it runs, and whether that is the pinned one.</summary>
internal static class StatusVerb
{
    private const string DefaultRef = "llm/litellm@1";

    public static async Task<int> RunAsync(string[] args, TextWriter output)
    {
        var arguments = new Arguments(args, Verb.Names("ref", "url", "registry"), Verb.Names("json"));
        RegistryFile registry = RegistryFile.Load(Verb.RegistryFolder(arguments), arguments.Get("ref") ?? DefaultRef);
        IConfigurationRoot settings = Verb.Settings();
        string url = arguments.Get("url")
            ?? $"http://{settings["HOST"] ?? "127.0.0.1"}:{settings["PORT"] ?? "8080"}";
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || !address.Scheme.StartsWith("http", StringComparison.Ordinal))
        {
            throw new ProcessorException(RunErrors.Inputs, "--url is like http://127.0.0.1:8080.");
        }

        (bool isUp, string? digest) = await AskAsync(address);
        bool isPinned = digest is not null
            && registry.Images.Values.Any(image => image.EndsWith('@' + digest, StringComparison.Ordinal));
        Verb.Write(output, json =>
        {
            json.WriteString("status", isUp ? "success" : "error");
            json.WriteString("code", isUp ? "OK" : RunErrors.Runtime);
            json.WriteString("ref", registry.Ref.ToString());
            json.WriteString("url", address.GetLeftPart(UriPartial.Authority));
            json.WriteBoolean("ok", isUp);
            json.WriteString("digest", digest ?? "unknown");
            json.WriteBoolean("pinned", isPinned);
        });
        return isUp ? 0 : 1;
    }

    private static async Task<(bool IsUp, string? Digest)> AskAsync(Uri address)
    {
        using var client = new HttpClient { Timeout = TimeSpan.FromSeconds(5), MaxResponseContentBufferSize = 64 * 1024 };
        try
        {
            using HttpResponseMessage answer = await client.GetAsync(new Uri(address, "/healthz"));
            using JsonDocument body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
            bool isUp = answer.IsSuccessStatusCode && body.RootElement.GetProperty("ok").GetBoolean();
            return (isUp, body.RootElement.GetProperty("digest").GetString());
        }
        catch (Exception failure) when (failure is HttpRequestException or OperationCanceledException or JsonException
            or InvalidOperationException or KeyNotFoundException)
        {
            return (false, null);
        }
    }
}
