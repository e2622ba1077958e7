using System.Text.Json;
using System.Text.Json.Serialization;
using Coach.Usage;

namespace Coach;

/// <summary>The charges of a reservation as stores keep them.</summary>
[JsonSerializable(typeof(BudgetCharge[]))]
internal sealed partial class ChargeJson : JsonSerializerContext
{
    public static string Write(IReadOnlyList<BudgetCharge> charges) =>
        JsonSerializer.Serialize([.. charges], Default.BudgetChargeArray);

    public static BudgetCharge[] Read(string json) =>
        JsonSerializer.Deserialize(json, Default.BudgetChargeArray) ?? [];
}
