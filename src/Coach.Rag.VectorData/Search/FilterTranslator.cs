using System.Collections;
using System.Linq.Expressions;
using System.Reflection;

namespace Coach.Rag.VectorData.Search;

/// <summary>Translates a filter that is written in C# into a condition on documents, or says which part it cannot.
/// </summary>
internal static class FilterTranslator
{
    /// <summary>Translates a filter.</summary>
    /// <exception cref="NotSupportedException">A part of it cannot be answered.</exception>
    public static MetadataFilter Translate(Expression<Func<Passage, bool>> filter) =>
        Translate(filter.Body, filter.Parameters[0]);

    private static MetadataFilter Translate(Expression part, ParameterExpression passage) => part switch
    {
        BinaryExpression { NodeType: ExpressionType.AndAlso } both =>
            MetadataFilter.All(Translate(both.Left, passage), Translate(both.Right, passage)),
        BinaryExpression { NodeType: ExpressionType.OrElse } either =>
            MetadataFilter.Any(Translate(either.Left, passage), Translate(either.Right, passage)),
        UnaryExpression { NodeType: ExpressionType.Not } not => MetadataFilter.Not(Translate(not.Operand, passage)),
        BinaryExpression { NodeType: ExpressionType.Equal } equal => Equal(equal, passage),
        BinaryExpression { NodeType: ExpressionType.NotEqual } unequal =>
            MetadataFilter.Not(Equal(unequal, passage)),
        MethodCallExpression call => Call(call, passage),
        ConstantExpression { Value: bool holds } => holds ? MetadataFilter.All() : MetadataFilter.Any(),
        _ => throw Unsupported(part),
    };

    private static MetadataFilter Equal(BinaryExpression equal, ParameterExpression passage)
    {
        (string? key, Expression other) = KeyOf(equal.Left, passage) is { } left
            ? (left, equal.Right)
            : (KeyOf(equal.Right, passage), equal.Left);
        return key is not null && TryValue(other, out object? value) && value is string text
            ? MetadataFilter.Equal(key, text)
            : throw Unsupported(equal);
    }

    private static MetadataFilter Call(MethodCallExpression call, ParameterExpression passage)
    {
        if (call.Object is { } text && KeyOf(text, passage) is { } key
            && call.Method.Name is nameof(string.StartsWith) or nameof(string.Equals)
            && IsOrdinal(call) && TryValue(call.Arguments[0], out object? value) && value is string start)
        {
            return call.Method.Name == nameof(string.StartsWith)
                ? MetadataFilter.StartsWith(key, start)
                : MetadataFilter.Equal(key, start);
        }

        // Of a list, of Enumerable, or of a span that the compiler made of an array.
        if (call.Method.Name == nameof(Enumerable.Contains))
        {
            Expression list = call.Object ?? call.Arguments[0];
            Expression item = call.Arguments[call.Object is null ? 1 : 0];
            if (KeyOf(item, passage) is { } listed && TryValue(list, out object? values)
                && values is IEnumerable all and not string)
            {
                return MetadataFilter.AnyOf(listed, [.. all.OfType<string>()]);
            }
        }

        throw Unsupported(call);
    }

    private static bool IsOrdinal(MethodCallExpression call) => call.Arguments.Count == 1
        ? call.Method.GetParameters()[0].ParameterType == typeof(string)
        : TryValue(call.Arguments[1], out object? how) && how is StringComparison.Ordinal;

    private static string? KeyOf(Expression part, ParameterExpression passage) => part switch
    {
        MemberExpression { Member.Name: nameof(Passage.Source) } source when source.Expression == passage =>
            MetadataFilter.SourceKey,
        MemberExpression { Member.Name: nameof(Passage.DocumentId) } id when id.Expression == passage =>
            MetadataFilter.IdKey,
        MethodCallExpression { Method.Name: "get_Item", Object: MemberExpression metadata } item
            when metadata.Expression == passage && metadata.Member.Name == nameof(Passage.Metadata)
            && TryValue(item.Arguments[0], out object? key) => key as string,
        _ => null,
    };

    // Constants, captured variables and their members, arrays of these.
    private static bool TryValue(Expression? part, out object? value)
    {
        value = null;
        switch (part)
        {
            case ConstantExpression constant:
                value = constant.Value;
                return true;
            case MemberExpression { Member: FieldInfo field } member when TryOwner(member, out object? owner):
                value = field.GetValue(owner);
                return true;
            case MemberExpression { Member: PropertyInfo property } member when TryOwner(member, out object? owner):
                value = property.GetValue(owner);
                return true;
            case NewArrayExpression { NodeType: ExpressionType.NewArrayInit } array:
                var items = new List<object?>();
                foreach (Expression each in array.Expressions)
                {
                    if (!TryValue(each, out object? item))
                    {
                        return false;
                    }

                    items.Add(item);
                }

                value = items;
                return true;
            case UnaryExpression { NodeType: ExpressionType.Convert } convert:
                return TryValue(convert.Operand, out value);
            case MethodCallExpression { Method.Name: "op_Implicit", Arguments: [var array] }:
                return TryValue(array, out value);
            default:
                return false;
        }

        static bool TryOwner(MemberExpression member, out object? owner)
        {
            owner = null;
            return member.Expression is null || (TryValue(member.Expression, out owner) && owner is not null);
        }
    }

    private static NotSupportedException Unsupported(Expression part) => new(
        $"The filter's part '{part}' cannot be answered. Compare Source, DocumentId or Metadata[\"key\"] with strings by "
        + "==, !=, StartsWith (ordinal) or Contains of a list, joined by &&, || and !.");
}
