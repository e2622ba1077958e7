using System.Text;
using Microsoft.AspNetCore.Http;

namespace Coach.Testing.Providers;

/// <summary>Reads a request the way a test wants to look at it: above all, where keys travelled.</summary>
internal static class ProviderRequestReader
{
    public static async Task<ProviderRequest?> ReadAsync(
        HttpContext context, IReadOnlyList<string> providers, IReadOnlyList<string> knownKeys)
    {
        string path = context.Request.Path.Value ?? "";
        string? provider = providers
            .FirstOrDefault(name => path.StartsWith($"/{name}/", StringComparison.Ordinal) || path == $"/{name}");
        if (provider is null)
        {
            return null;
        }

        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        string body = await reader.ReadToEndAsync(context.RequestAborted).ConfigureAwait(false);
        var headers = context.Request.Headers.ToDictionary(
            header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        string rest = path[(provider.Length + 1)..];
        string query = context.Request.QueryString.Value ?? "";
        string? bearer = headers.GetValueOrDefault("authorization") is { } authorization
            && authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase)
                ? authorization["Bearer ".Length..]
                : null;
        string? own = headers.GetValueOrDefault(provider == "gemini" ? "x-goog-api-key" : "x-api-key");
        string? key = provider switch
        {
            "gemini" => own ?? (context.Request.Query["key"].ToString() is { Length: > 0 } inQuery ? inQuery : null),
            "anthropic" or "cartesia" => own ?? bearer,
            _ => bearer,
        };
        key = string.IsNullOrWhiteSpace(key) ? null : key;

        KeyLocation locations =
            Locate(key is null ? knownKeys : [.. knownKeys.Append(key).Distinct()], path + query, headers, body);
        return new ProviderRequest
        {
            Provider = provider,
            Method = context.Request.Method,
            Path = rest.Length == 0 ? "/" : rest,
            Query = query,
            Headers = headers,
            Body = body,
            Key = key,
            KeyLocation = locations,
        };
    }

    private static KeyLocation Locate(
        IReadOnlyList<string> keys, string address, IReadOnlyDictionary<string, string> headers, string body)
    {
        var locations = KeyLocation.None;
        foreach (string key in keys)
        {
            foreach ((string name, _) in headers.Where(header => header.Value.Contains(key, StringComparison.Ordinal)))
            {
                locations |= name.ToLowerInvariant() switch
                {
                    "authorization" => KeyLocation.Authorization,
                    "x-goog-api-key" or "x-api-key" => KeyLocation.KeyHeader,
                    _ => KeyLocation.OtherHeader,
                };
            }

            locations |= address.Contains(key, StringComparison.Ordinal) ? KeyLocation.Url : KeyLocation.None;
            locations |= body.Contains(key, StringComparison.Ordinal) ? KeyLocation.Body : KeyLocation.None;
        }

        return locations;
    }
}
