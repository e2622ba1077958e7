using System.Security.Cryptography;
using System.Text;

namespace Coach.Llm.Providers;

/// <summary>
/// Ids of tool calls in the form a provider takes. A conversation that began elsewhere holds ids in another; the same
/// id becomes the same text at the call and at its result.
/// </summary>
internal static class ToolCallIds
{
    private const int HashLength = 12;

    /// <param name="id">The id as it stands in the conversation.</param>
    /// <param name="maxLength">The most characters; 24 or more.</param>
    /// <param name="onlyWords">Whether only letters, digits, '_' and '-' are taken.</param>
    /// <returns>The id itself where it fits.</returns>
    public static string Fit(string id, int maxLength, bool onlyWords)
    {
        bool fits = id.Length > 0 && id.Length <= maxLength && (!onlyWords || id.All(IsTaken));
        if (fits)
        {
            return id;
        }

        string hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)))[..HashLength];
        string head = new([.. id.Take(maxLength - HashLength - 1).Select(c => !onlyWords || IsTaken(c) ? c : '_')]);
        return head.Length == 0 ? "call_" + hash : head + "_" + hash;
    }

    private static bool IsTaken(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-';
}
