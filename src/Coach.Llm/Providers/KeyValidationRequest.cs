using System.Text;
using System.Text.Json;
using Coach.Llm.Core;

namespace Coach.Llm.Providers;

/// <summary>
/// The request that asks one provider about a key without costing tokens, and how its success is read.
/// </summary>
/// <param name="Address">Where it goes; null if no address is set.</param>
/// <param name="Sign">Puts the key, and whatever else the protocol wants, on the request.</param>
/// <param name="Read">What a success says of the key, at a time.</param>
internal sealed record KeyValidationRequest(
    Uri? Address, Action<HttpRequestMessage, string> Sign, Func<ProviderAnswer, DateTimeOffset, KeyAnswer> Read)
{
    /// <summary>What to tell people when <see cref="Address"/> is null.</summary>
    public string MissingAddress { get; init; } = "";

    /// <summary>The member that lists the models of the key; null if the answer lists none.</summary>
    public string? ModelsIn { get; init; }

    /// <summary>A POST with this JSON body, whose success says nothing more than that the key was taken.</summary>
    public static KeyValidationRequest Posting(Uri? address, Action<HttpRequestMessage, string> sign, string json) =>
        new(
            address,
            (request, key) =>
            {
                sign(request, key);
                request.Method = HttpMethod.Post;
                request.Content = new StringContent(json, Encoding.UTF8, "application/json");
            },
            (_, _) => new KeyAnswer(KeyStatus.Valid));

    /// <summary>Reads a success that must hold a list under this name.</summary>
    public static Func<ProviderAnswer, DateTimeOffset, KeyAnswer> Listing(string member, bool allowRootArray = false) =>
        (answer, _) => KeyAnswer.Find(answer, member, JsonTokenType.StartArray, allowRootArray);
}
