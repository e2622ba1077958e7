using System.Reflection;

namespace Coach.Abstractions.Tests.Errors;

public sealed class ErrorCodesTests
{
    [Fact]
    public void All_ListsEveryConstantOnce()
    {
        string[] constants = [.. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral).Select(field => (string)field.GetRawConstantValue()!)];
        Assert.Equal(constants.Order(StringComparer.Ordinal), ErrorCodes.All.Order(StringComparer.Ordinal));
        Assert.Equal(constants.Length, constants.Distinct().Count());
        Assert.All(constants, code => Assert.Matches("^ERR_[A-Z]+(_[A-Z]+)*$", code));
    }
}
