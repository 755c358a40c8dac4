using System;
using System.Linq;
using CoExpr.Gpu;
using NUnit.Framework;

namespace CoExpr.CSharp.Tests;

/// <summary>Listing OpenCL devices, with a driver and without.</summary>
public class OpenClDevicesTests
{
    static OpenClInventory InventoryOrSkip()
    {
        var inventory = OpenClDevices.List();
        if (inventory.Devices.Count == 0)
            Assert.Ignore("No OpenCL device: " + inventory.Reason);

        return inventory;
    }

    [Test]
    public void EveryDeviceHasItsProperties()
    {
        foreach (var device in InventoryOrSkip().Devices)
        {
            Assert.That(device.Name, Is.Not.Empty);
            Assert.That(device.DriverVersion, Is.Not.Empty);
            Assert.That(device.OpenClVersion, Does.StartWith("OpenCL "));
            Assert.That(device.Platform.Name, Is.Not.Empty);
            Assert.That(device.Platform.Version, Does.StartWith("OpenCL "));
            Assert.That(device.GlobalMemory, Is.GreaterThan(16UL << 20));
            Assert.That(device.ComputeUnits, Is.InRange(1u, 65536u));
            Assert.That(Enum.IsDefined(device.Kind));
        }
    }

    [Test]
    public void PoclOffersTheProcessor()
    {
        var pocl = InventoryOrSkip()
            .Devices.FirstOrDefault(device =>
                device.Platform.Name == "Portable Computing Language" && device.Kind == OpenClDeviceKind.Cpu
            );
        if (pocl is null)
            Assert.Ignore("pocl's processor driver is not installed.");

        Assert.That(pocl!.ComputeUnits, Is.LessThanOrEqualTo(4096u));
        Assert.That(pocl.OpenClVersion, Does.Contain("pocl").IgnoreCase);
    }

    [Test]
    public void AListWithDevicesNeedsNoReason()
    {
        var inventory = InventoryOrSkip();
        Assert.That(inventory.Absence, Is.EqualTo(OpenClAbsence.None));
        Assert.That(inventory.Reason, Is.Empty);
    }

    [Test]
    public void AnEmptyListSaysWhy()
    {
        var inventory = OpenClDevices.List();
        Assert.That(inventory.Devices.Count == 0, Is.EqualTo(inventory.Absence != OpenClAbsence.None));
        Assert.That(inventory.Devices.Count == 0, Is.EqualTo(inventory.Reason.Length > 0));
    }

    [Test]
    public void ListingTwiceGivesTheSame() =>
        Assert.That(OpenClDevices.List().Devices, Is.EqualTo(OpenClDevices.List().Devices));

    [Test]
    public void WithoutALoaderTheListIsEmptyAndSaysWhatToInstall()
    {
        var inventory = OpenClDevices.List(["no-such-opencl-loader"]);
        Assert.That(inventory.Devices, Is.Empty);
        Assert.That(inventory.Absence, Is.EqualTo(OpenClAbsence.NoLoader));
        Assert.That(inventory.Reason, Does.Contain("ocl-icd-libopencl1"));
    }

    [Test]
    public void ALibraryThatIsNoLoaderIsPassedOver()
    {
        var another =
            OperatingSystem.IsWindows() ? "kernel32.dll"
            : OperatingSystem.IsMacOS() ? "libSystem.dylib"
            : "libc.so.6";
        Assert.That(OpenClDevices.List([another]).Absence, Is.EqualTo(OpenClAbsence.NoLoader));
    }
}
