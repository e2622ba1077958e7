using System.Text.Json;

namespace Coach.Testing.Stripe;

/// <summary>A refusal with Stripe's error object.</summary>
internal sealed class FakeStripeError(
    int status, string message, string? parameter = null, string? code = null,
    string type = "invalid_request_error") : Exception(message)
{
    /// <summary>Found while reading the parameters: nothing was executed, so nothing is stored under the key.</summary>
    public bool IsValidation { get; init; }

    public FakeStripeReply ToReply() => new(status, Body(type, Message, parameter, code));

    public static FakeStripeError Invalid(string message, string? parameter, string? code = null) =>
        new(400, message, parameter, code) { IsValidation = true };

    public static FakeStripeError Missing(string kind, string id, int status, string? parameter) =>
        new(status, $"No such {kind}: '{id}'", parameter, "resource_missing");

    public static byte[] Body(string type, string message, string? parameter, string? code)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteStartObject("error");
            if (code is not null)
            {
                json.WriteString("code", code);
                json.WriteString("doc_url", "https://stripe.com/docs/error-codes/" + code.Replace('_', '-'));
            }

            json.WriteString("message", message);
            if (parameter is not null)
            {
                json.WriteString("param", parameter);
            }

            json.WriteString("type", type);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return stream.ToArray();
    }
}
