using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace CoExpr.Gpu;

/// <summary>A device by its name on the command line, or why there is none.</summary>
/// <param name="Name">What its backend is called.</param>
/// <param name="Device">The device; null if there is none.</param>
/// <param name="Reason">What was found instead and what to do, in sentences; empty if there is a device.</param>
public sealed record GpuChoice(string Name, OpenClDevice? Device, string Reason)
{
    /// <summary>The name by which the first processor with an OpenCL driver is asked for; meant for tests.</summary>
    public const string Processor = "opencl-cpu";

    const string Drivers =
        "Install the OpenCL driver of the card's maker: it comes with NVIDIA's driver; for AMD install rocm-opencl-icd or "
        + "mesa-opencl-icd, for Intel intel-opencl-icd (Debian).";

    /// <summary>The device that this name stands for: "gpu", which is "gpu:0", "gpu:1", … or "opencl-cpu"; null for other words.</summary>
    /// <remarks>Graphics cards are counted from 0 in the loader's order, other devices passed over.</remarks>
    public static GpuChoice? Find(string name, OpenClInventory inventory)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(inventory);
        return name == Processor ? FindProcessor(inventory)
            : Number(name) is { } number ? FindCard(number, inventory)
            : null;
    }

    /// <summary>What each device is called on the command line; null for those that have no name there.</summary>
    public static IReadOnlyList<(OpenClDevice Device, string? Name)> Names(OpenClInventory inventory)
    {
        ArgumentNullException.ThrowIfNull(inventory);
        var (cards, processor) = (Of(inventory, OpenClDeviceKind.Gpu), Of(inventory, OpenClDeviceKind.Cpu));
        return
        [
            .. inventory.Devices.Select(device =>
                (
                    device,
                    cards.Contains(device) ? Card(cards.IndexOf(device))
                    : processor.Take(1).Contains(device) ? Processor
                    : null
                )
            ),
        ];
    }

    static int? Number(string name) =>
        name == "gpu" ? 0
        : name.StartsWith("gpu:", StringComparison.Ordinal)
        && int.TryParse(name.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
        : null;

    static string Card(int number) => number == 0 ? "gpu" : "gpu:" + number.ToString(CultureInfo.InvariantCulture);

    static List<OpenClDevice> Of(OpenClInventory inventory, OpenClDeviceKind kind) =>
        [.. inventory.Devices.Where(device => device.Kind == kind)];

    static GpuChoice FindCard(int number, OpenClInventory inventory)
    {
        var cards = Of(inventory, OpenClDeviceKind.Gpu);
        return number < cards.Count
            ? new(Card(number), cards[number], "")
            : new(Card(number), null, $"{Found(inventory)} {Drivers}");
    }

    static GpuChoice FindProcessor(OpenClInventory inventory) =>
        Of(inventory, OpenClDeviceKind.Cpu).FirstOrDefault() is { } device
            ? new(Processor, device, "")
            : new(Processor, null, $"{Found(inventory)} Install pocl-opencl-icd (Debian).");

    static string Found(OpenClInventory inventory) =>
        inventory.Devices.Count == 0
            ? inventory.Reason
            : "OpenCL finds only: "
                + string.Join(", ", inventory.Devices.Select(device => $"{device.Name} ({Word(device.Kind)})"))
                + ".";

    static string Word(OpenClDeviceKind kind) =>
        kind switch
        {
            OpenClDeviceKind.Cpu => "a processor",
            OpenClDeviceKind.Gpu => "a graphics card",
            OpenClDeviceKind.Accelerator => "an accelerator",
            _ => "another device",
        };
}
