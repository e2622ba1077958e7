using System.Text.Json;

namespace Coach.Llm;

/// <summary>What a probe's 200 turned out to be.</summary>
internal enum SuccessShape
{
    /// <summary>Not what this provider answers.</summary>
    Foreign,

    /// <summary>It begins right and breaks off.</summary>
    BrokenOff,

    /// <summary>An error in the clothes of a success.</summary>
    ErrorInside,

    /// <summary>The expected shape.</summary>
    AsExpected,
}

/// <summary>Tells whether a 200 has the shape that only this provider's answer has: a wrong address also answers 200.</summary>
internal static class SuccessShapes
{
    /// <summary>
    /// Looks for a member with an array, object or number at the top level; with <paramref name="allowRootArray"/>, a list at the root will
    /// do too. Nothing but white space may follow, and of a name that stands twice the last one counts, as for every parser.
    /// </summary>
    public static SuccessShape Find(ProviderAnswer answer, string member, JsonTokenType opening, bool allowRootArray = false)
    {
        ReadOnlySpan<byte> json = answer.Json.Span;
        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        bool found = false, error = false, whole = false;
        try
        {
            if (!reader.Read())
            {
                return SuccessShape.Foreign;
            }

            bool isList = reader.TokenType == JsonTokenType.StartArray && allowRootArray;
            if (!isList && reader.TokenType != JsonTokenType.StartObject)
            {
                return ErrorBody.Parse(json).HasError ? SuccessShape.ErrorInside : SuccessShape.Foreign; // Google wraps errors in an array
            }

            found = isList;
            int level = isList ? 2 : 1; // of a list, the members of its entries
            while (reader.Read())
            {
                whole |= reader.CurrentDepth == 0; // a Read after that fails unless only white space is left
                if (reader.CurrentDepth == level && reader.TokenType == JsonTokenType.PropertyName)
                {
                    bool isMember = !isList && reader.ValueTextEquals(member), isError = reader.ValueTextEquals("error"u8);
                    if (!reader.Read())
                    {
                        break;
                    }

                    found = isMember ? reader.TokenType == opening : found;
                    error |= isError && JsonReading.SaysSomething(reader);
                }
            }

            return error ? SuccessShape.ErrorInside
                : found && (whole || answer.IsTruncated) ? SuccessShape.AsExpected
                : whole || answer.IsTruncated ? SuccessShape.Foreign
                : SuccessShape.BrokenOff;
        }
        catch (Exception damage) when (damage is JsonException or InvalidOperationException) // the second: a text that is not Unicode
        {
            return error ? SuccessShape.ErrorInside : SuccessShape.Foreign;
        }
    }
}
