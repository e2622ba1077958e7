using System.Text.Json;
using System.Text.Json.Nodes;

namespace Coach.Testing.Providers;

/// <summary>One call a fake provider has to answer: the request, its JSON body and where scripted answers come
/// from.</summary>
internal sealed class FakeCall(ProviderRequest request, Func<ProviderRequest, ScriptedAnswer> answers, int number)
{
    public ProviderRequest Request { get; } = request;

    /// <summary>Counts up from 1, for ids that differ between answers.</summary>
    public int Number { get; } = number;

    public JsonObject? Body { get; } = Parse(request.Body);

    public string Provider => Request.Provider;

    public string? Header(string name) => Request.Headers.GetValueOrDefault(name);

    public ScriptedAnswer NextAnswer() => answers(Request);

    private static JsonObject? Parse(string body)
    {
        try
        {
            return body.Length == 0 ? null : JsonNode.Parse(body) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
