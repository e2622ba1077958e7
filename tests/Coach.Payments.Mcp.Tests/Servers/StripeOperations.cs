using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Nodes;
using Coach.Testing;

namespace Coach.Payments.Mcp.Tests;

/// <summary>Runs operations of Stripe's API on the Stripe fake, as an MCP server does: a random idempotency key per
/// call.</summary>
internal sealed class StripeOperations(StripeFake stripe, string key)
{
    private static readonly Dictionary<string, (string Method, string Path)> Known = new(StringComparer.Ordinal)
    {
        ["GetBalance"] = ("GET", "/v1/balance"),
        ["PostProducts"] = ("POST", "/v1/products"),
        ["GetProducts"] = ("GET", "/v1/products"),
        ["PostPrices"] = ("POST", "/v1/prices"),
        ["GetPrices"] = ("GET", "/v1/prices"),
        ["PostPricesPrice"] = ("POST", "/v1/prices/{id}"),
        ["PostPaymentLinks"] = ("POST", "/v1/payment_links"),
        ["GetPaymentLinks"] = ("GET", "/v1/payment_links"),
        ["GetPaymentLinksPaymentLink"] = ("GET", "/v1/payment_links/{id}"),
        ["PostPaymentLinksPaymentLink"] = ("POST", "/v1/payment_links/{id}"),
        ["GetCheckoutSessions"] = ("GET", "/v1/checkout/sessions"),
        ["PostCheckoutSessionsSessionExpire"] = ("POST", "/v1/checkout/sessions/{id}/expire"),
    };

    private readonly HttpClient _http = new(stripe.CreateHandler()) { BaseAddress = new Uri("https://api.stripe.com") };
    private int _calls;

    public static bool IsKnown(string operation) => Known.ContainsKey(operation);

    public static bool IsWrite(string operation) => Known[operation].Method == "POST";

    public static bool TakesId(string operation) => Known[operation].Path.Contains("{id}", StringComparison.Ordinal);

    /// <summary>Runs an operation; <c>id</c> goes into the path.</summary>
    public async Task<(bool IsSuccess, string Body)> RunAsync(string operation, JsonObject parameters)
    {
        (string method, string path) = Known[operation];
        if (TakesId(operation))
        {
            path = path.Replace(
                "{id}", Uri.EscapeDataString(parameters["id"]!.GetValue<string>()), StringComparison.Ordinal);
            parameters = parameters.DeepClone().AsObject();
            parameters.Remove("id");
        }

        var form = new List<KeyValuePair<string, string>>();
        Flatten("", parameters, form);
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method == "GET")
        {
            string query = await new FormUrlEncodedContent(form).ReadAsStringAsync();
            request.RequestUri = new Uri(path + (query.Length > 0 ? "?" + query : ""), UriKind.Relative);
        }
        else
        {
            request.Content = new FormUrlEncodedContent(form);
            request.Headers.Add("Idempotency-Key", $"server-{Interlocked.Increment(ref _calls)}-{Guid.NewGuid():N}");
        }

        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        request.Headers.Add("Stripe-Version", "2026-10-28.endive");
        using HttpResponseMessage response = await _http.SendAsync(request);
        string body = await response.Content.ReadAsStringAsync();

        // The Stripe fake knows test data only.
        return (response.IsSuccessStatusCode, key.StartsWith("sk_live_", StringComparison.Ordinal)
            ? body.Replace("\"livemode\":false", "\"livemode\":true", StringComparison.Ordinal)
            : body);
    }

    public static string MessageOf(string errorBody) =>
        JsonNode.Parse(errorBody)!["error"]!["message"]!.GetValue<string>();

    private static void Flatten(string name, JsonNode? node, List<KeyValuePair<string, string>> form)
    {
        switch (node)
        {
            case JsonObject json:
                foreach ((string key, JsonNode? value) in json)
                {
                    Flatten(name.Length == 0 ? key : $"{name}[{key}]", value, form);
                }

                break;
            case JsonArray { Count: > 0 } array when array[0] is JsonValue:
                foreach (JsonNode? item in array)
                {
                    Flatten($"{name}[]", item, form);
                }

                break;
            case JsonArray array:
                for (int i = 0; i < array.Count; i++)
                {
                    Flatten($"{name}[{i}]", array[i], form);
                }

                break;
            case JsonValue value:
                form.Add(
                    new KeyValuePair<string,
                    string>(
                        name,
                        value.GetValueKind() == JsonValueKind.String
                            ? value.GetValue<string>()
                            : value.ToJsonString()));
                break;
            default:
                break;
        }
    }
}
