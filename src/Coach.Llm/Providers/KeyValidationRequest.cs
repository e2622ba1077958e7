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

    /// <summary>Reads a success that must hold a list under this name.</summary>
    public static Func<ProviderAnswer, DateTimeOffset, KeyAnswer> Listing(string member, bool allowRootArray = false) =>
        (answer, _) => KeyAnswer.Find(answer, member, JsonTokenType.StartArray, allowRootArray);
}
