using System.Text.Json;
using Coach.Llm.Core;
using Coach.Llm.Json;

namespace Coach.Llm.Providers;

/// <summary>
/// What a success says of a key. A wrong address also answers 200, so the shape that only the provider's answer has
/// must be there.
/// </summary>
/// <param name="Status">What it says.</param>
/// <param name="IsErrorInside">Whether it is an error in the clothes of a success.</param>
/// <param name="ExpiresAt">When the key expires, if the answer says so.</param>
internal readonly record struct KeyAnswer(
    KeyStatus Status, bool IsErrorInside = false, DateTimeOffset? ExpiresAt = null)
{
    /// <summary>It begins right and breaks off.</summary>
    public static KeyAnswer BrokenOff { get; } = new(KeyStatus.Unavailable);

    /// <summary>Not what this provider answers.</summary>
    public static KeyAnswer Foreign { get; } = new(KeyStatus.WrongEndpoint);

    private static KeyAnswer ErrorInside { get; } = new(KeyStatus.Unavailable, IsErrorInside: true);

    private static KeyAnswer AsExpected { get; } = new(KeyStatus.Valid);

    /// <summary>
    /// Looks for a member with an array, object or number at the top level; with <paramref name="allowRootArray"/>, a
    /// list at the root will do too, and a member that is null is an empty list. Nothing but white space may follow,
    /// and of a name that stands twice the last one counts, as for every parser.
    /// </summary>
    public static KeyAnswer Find(
        ProviderAnswer answer, string member, JsonTokenType opening, bool allowRootArray = false)
    {
        ReadOnlySpan<byte> json = answer.Json.Span;
        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        bool isFound = false;
        bool isError = false;
        bool isWhole = false;
        try
        {
            if (!reader.Read())
            {
                return Foreign;
            }

            bool isList = reader.TokenType == JsonTokenType.StartArray && allowRootArray;
            if (!isList && reader.TokenType != JsonTokenType.StartObject)
            {
                return ErrorBody.Parse(json).HasError ? ErrorInside : Foreign; // Google wraps errors in an array
            }

            isFound = isList;
            int level = isList ? 2 : 1; // of a list, the members of its entries
            while (reader.Read())
            {
                isWhole |= reader.CurrentDepth == 0; // a Read after that fails unless only white space is left
                if (reader.CurrentDepth == level && reader.TokenType == JsonTokenType.PropertyName)
                {
                    bool isMember = !isList && reader.ValueTextEquals(member);
                    bool isErrorMember = reader.ValueTextEquals("error"u8);
                    if (!reader.Read())
                    {
                        break;
                    }

                    isFound = isMember
                        ? reader.TokenType == opening || (allowRootArray && reader.TokenType == JsonTokenType.Null)
                        : isFound;
                    isError |= isErrorMember && LenientJson.SaysSomething(reader);
                }
            }
        }
        // the second: a text that is not Unicode
        catch (Exception damage) when (damage is JsonException or InvalidOperationException)
        {
            return isError ? ErrorInside : Foreign;
        }

        return (isError, isWhole || answer.IsTruncated) switch
        {
            (true, _) => ErrorInside,
            (false, true) => isFound ? AsExpected : Foreign,
            _ => BrokenOff,
        };
    }
}
