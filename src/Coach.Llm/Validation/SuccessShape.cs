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
    /// <summary>Looks for a member with an array or number at the top level; for a list at the root if <paramref name="member"/> is "".</summary>
    public static SuccessShape Find(ProviderAnswer answer, string member, JsonTokenType opening, bool allowRootArray = false)
    {
        ReadOnlySpan<byte> json = answer.Body.Span;
        if (json.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        bool found = false, error = false;
        try
        {
            if (!reader.Read())
            {
                return SuccessShape.Foreign;
            }

            if (reader.TokenType == JsonTokenType.StartArray && allowRootArray)
            {
                return IsWhole(ref reader) || answer.IsTruncated ? SuccessShape.AsExpected : SuccessShape.BrokenOff;
            }

            if (reader.TokenType != JsonTokenType.StartObject)
            {
                return ErrorBody.Parse(json).HasError ? SuccessShape.ErrorInside : SuccessShape.Foreign; // Google wraps errors in an array
            }

            while (reader.Read() && reader.CurrentDepth > 0)
            {
                if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName)
                {
                    bool isMember = reader.ValueTextEquals(member), isError = reader.ValueTextEquals("error"u8);
                    if (!reader.Read())
                    {
                        break;
                    }

                    found |= isMember && reader.TokenType == opening;
                    error |= isError && reader.TokenType != JsonTokenType.Null;
                }
            }

            bool whole = reader.CurrentDepth == 0 && reader.TokenType == JsonTokenType.EndObject;
            return error ? SuccessShape.ErrorInside
                : found && (whole || answer.IsTruncated) ? SuccessShape.AsExpected
                : whole || answer.IsTruncated ? SuccessShape.Foreign
                : SuccessShape.BrokenOff;
        }
        catch (JsonException)
        {
            return SuccessShape.Foreign;
        }
    }

    private static bool IsWhole(ref Utf8JsonReader reader)
    {
        while (reader.Read())
        {
            if (reader.CurrentDepth == 0)
            {
                return true;
            }
        }

        return false;
    }
}
