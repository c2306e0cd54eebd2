//! One small document of every kind.

/// File names and contents.
pub(super) const ALL: &[(&str, &str)] = &[
    ("RetailOEMInput.xml", OEM_INPUT),
    ("BoardFM.xml", FEATURE_MANIFEST),
    ("OEMFMFileList.xml", FM_FILE_LIST),
    ("Test.Registry.wm.xml", WM_XML),
    ("Test.Phone.pkg.xml", PKG_XML),
    ("settings.reg", REG_FILE),
    ("customizations.xml", CUSTOMIZATIONS),
    ("BoardSettings.xml", PRODUCT_SETTINGS),
    ("IoTWorkspace.xml", WORKSPACE_SETTINGS),
    ("DeviceLayout.xml", DEVICE_LAYOUT),
    ("OEMDevicePlatform.xml", OEM_DEVICE_PLATFORM),
    ("Board.BCD.xml", BOOT_CONFIGURATION),
];

pub(super) const OEM_INPUT: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<OEMInput xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
  <Description>Färöer board</Description>
  <SOC>Board_R</SOC>
  <SV>Vendor</SV>
  <Device> Board </Device>
  <ReleaseType>Production</ReleaseType>
  <BuildType>fre</BuildType>
  <SupportedLanguages>
    <UserInterface><Language>en-us</Language><Language>fr-fr</Language></UserInterface>
    <Keyboard><Language>en-us</Language></Keyboard>
  </SupportedLanguages>
  <BootUILanguage>en-us</BootUILanguage>
  <BootLocale>en-us</BootLocale>
  <Resolutions><Resolution>1024x768</Resolution></Resolutions>
  <AdditionalFMs><AdditionalFM>%BLD_DIR%\MergedFMs\BoardFM.xml</AdditionalFM></AdditionalFMs>
  <Features>
    <Microsoft>
      <Feature>IOT_EFIESP</Feature>
      <!-- Feature>IOT_SSH</Feature -->
      <Feature>IOT_UAP_OOBE</Feature>
    </Microsoft>
    <OEM/>
  </Features>
  <Product>Windows 10 IoT Core</Product>
</OEMInput>
"#;

pub(super) const FEATURE_MANIFEST: &str = r#"<FeatureManifest Revision="1" SchemaVersion="1.2"
    xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
  <BasePackages><PackageFile Path="%PKGBLD_DIR%" Name="%OEM_NAME%.Base.cab"/></BasePackages>
  <ReleasePackages><PackageFile Path="p" Name="t.cab" ReleaseType="Test"/></ReleasePackages>
  <DeviceLayoutPackages><PackageFile SOC="Board" Path="p" Name="l.cab"/></DeviceLayoutPackages>
  <OEMDevicePlatformPackages><PackageFile Device="Board" Path="p" Name="l.cab"/></OEMDevicePlatformPackages>
  <BootLocalePackageFile Path="p" Name="locale.cab"/>
  <Features>
    <Microsoft/>
    <OEM>
      <PackageFile Path="p" Name="a.cab" FeatureIdentifierPackage="true">
        <FeatureIDs><FeatureID>UEFI_A</FeatureID><FeatureID>UEFI</FeatureID></FeatureIDs>
      </PackageFile>
      <PackageFile Path="p" Name="b.cab"><FeatureIDs><FeatureID>UEFI_B</FeatureID></FeatureIDs></PackageFile>
    </OEM>
    <OEMFeatureGroups>
      <FeatureGroup Constraint="OneAndOnlyOne">
        <FeatureIDs><FeatureID>UEFI_A</FeatureID><FeatureID>UEFI_B</FeatureID></FeatureIDs>
        <SubGroups><FeatureGroup Constraint="ZeroOrOne"/></SubGroups>
      </FeatureGroup>
    </OEMFeatureGroups>
    <OEMConditionalFeatures><ConditionalFeature FeatureID="OEM_UEFI" UpdateAction="NoUpdate"/></OEMConditionalFeatures>
  </Features>
</FeatureManifest>
"#;

pub(super) const FM_FILE_LIST: &str = r#"<FMCollectionManifest Product="IoTUAP"
    xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
  <IsBuildFeatureEnabled>true</IsBuildFeatureEnabled>
  <FMs>
    <FM ID="BOARD" Path="$(FMDirectory)\BoardFM.xml" ReleaseType="Production" OwnerName="OEM_NAME"
        OwnerType="OEM" CPUType="ARM64" Critical="true"/>
    <FM ID="OEM" Path="$(FMDirectory)\OEMFM.xml" ReleaseType="Test"/>
  </FMs>
  <SupportedResolutions><Resolution>1024x768</Resolution></SupportedResolutions>
  <SupportedLanguages><Language>en-US</Language></SupportedLanguages>
  <SupportedLocales><Locale>en-US</Locale></SupportedLocales>
</FMCollectionManifest>
"#;

pub(super) const WM_XML: &str = r#"<?xml version='1.0' encoding='utf-8' standalone='yes'?>
<identity name="Registry" namespace="Test" owner="$(OEMNAME)" legacyName="$(OEMNAME).Test.Registry"
    xmlns="urn:Microsoft.CompPlat/ManifestSchema.v1.00">
  <onecorePackageInfo targetPartition="MainOS" releaseType="Test" ownerType="OEM"/>
  <files><file source="a.exe" destinationDir="$(runtime.system32)" name="b.exe"/></files>
  <regKeys>
    <regKey keyName="$(hklm.software)\$(OEMNAME)\Empty"/>
    <regKey keyName="$(hklm.control)\Thing">
      <regValue name="Start" type="REG_DWORD" value="0x0000001F"/>
      <regValue name="Names" type="REG_MULTI_SZ" value="a,b"/>
      <regValue type="REG_BINARY" value="0aFB"/>
    </regKey>
  </regKeys>
  <drivers><driver><inf source="a.inf"/><files><file source="a.sys"/></files></driver></drivers>
  <service name="Agent" start="auto" type="win32OwnProcess" objectName="LocalSystem" imagePath="a.exe">
    <failureActions resetPeriod="86400"><actions><action type="restartService" delay="1"/></actions></failureActions>
  </service>
  <bcdStore source=".\Board.BCD.xml"/>
</identity>
"#;

pub(super) const PKG_XML: &str = r#"<Package xmlns="urn:Microsoft.WindowsPhone/PackageSchema.v8.00" Owner="Maker"
    Component="Test" SubComponent="Phone" OwnerType="OEM" ReleaseType="Test" Partition="MMOS" Platform="arm">
  <Macros><Macro Id="dir" Value="bin"/></Macros>
  <Components>
    <OSComponent>
      <Files CpuFilter="ARM"><File Source="$(dir)\a.sys" EmbeddedSigningCategory="-oem -hal"/></Files>
      <RegKeys>
        <RegKey KeyName="$(hklm.system)\ControlSet001\Services\a">
          <RegValue Name="Start" Type="REG_DWORD" Value="00000002"/>
          <RegValue Name="Raw" Type="REG_HEX" Value="hex(7):61,00,00,00"/>
          <RegValue Name="List" Type="REG_MULTI_SZ" Value="a;b"/>
        </RegKey>
      </RegKeys>
    </OSComponent>
    <Driver InfSource="a.inf"><Reference Source="a.sys"/></Driver>
    <Service Name="Agent" Start="Auto" Type="Win32OwnProcess"><Executable Source="agent.exe"/></Service>
    <BCDStore Source="boot.bcd.xml"/>
    <BinaryPartition ImageSource="uefi.bin"/>
  </Components>
</Package>
"#;

pub(super) const REG_FILE: &str = "Windows Registry Editor Version 5.00\r
\r
; a comment\r
[HKEY_LOCAL_MACHINE\\SYSTEM\\ControlSet001\\Control\\ManufacturingMode\\Line]\r
@=\"default \\\"text\\\" of C:\\\\\"\r
\"Start\"=dword:00000003\r
\"Names\"=hex(7):61,00,00,00,\\\r
  62,00,00,00,00,00\r
\"Raw\"=hex:0a,FB ; bytes\r
\"Big\"=hex(b):01,00,00,00,00,00,00,80\r
\"Lines\"=\"one\r
two\"\r
\"Gone\"=-\r
\r
[-HKLM\\SOFTWARE\\Old]\r
";

pub(super) const CUSTOMIZATIONS: &str = r#"<WindowsCustomizations>
  <PackageConfig xmlns="urn:schemas-Microsoft-com:Windows-ICD-Package-Config.v1.0">
    <ID>{f3581b3b-04c5-4a33-bd35-afc2d7cb7d2e}</ID><Name>BoardProv</Name><Version>1.0</Version>
    <OwnerType>OEM</OwnerType><Rank>0</Rank>
  </PackageConfig>
  <Settings xmlns="urn:schemas-microsoft-com:windows-provisioning">
    <Customizations>
      <Common>
        <Policies><ApplicationManagement>
          <AllowAllTrustedApps>Yes</AllowAllTrustedApps>
        </ApplicationManagement></Policies>
        <Certificates><RootCertificates>
          <RootCertificate CertificateName="Maker" Name="Maker"><CertificatePath>maker.cer</CertificatePath></RootCertificate>
        </RootCertificates></Certificates>
        <StartupApp><Default>Kiosk_1w720vyc4ccym!App</Default></StartupApp>
        <StartupBackgroundTasks><ToAdd><Add PackageName="Task_1w720vyc4ccym!App"></Add></ToAdd></StartupBackgroundTasks>
        <UniversalAppInstall><UserContextApp>
          <Application PackageFamilyName="Kiosk_1w720vyc4ccym" Name="Kiosk">
            <ApplicationFile>Kiosk.appx</ApplicationFile>
            <DependencyAppxFiles><Dependency Name="VCLibs">VCLibs.appx</Dependency></DependencyAppxFiles>
          </Application>
        </UserContextApp></UniversalAppInstall>
      </Common>
    </Customizations>
  </Settings>
</WindowsCustomizations>
"#;

pub(super) const PRODUCT_SETTINGS: &str = "<IoTProductSettings>
  <Name>Board</Name><Arch>arm64</Arch><BSP>Board</BSP>
  <SMBIOS><Manufacturer>Maker </Manufacturer><SKUNumber>B01</SKUNumber></SMBIOS>
  <BuildConfig Name=\"Retail\"><BSPPkgDir>%PKGBLD_DIR%</BSPPkgDir></BuildConfig>
</IoTProductSettings>
";

pub(super) const WORKSPACE_SETTINGS: &str = r#"<IoTWorkspace>
  <CurrentEnv>arm</CurrentEnv>
  <Config><OemName>Maker</OemName><MSPkgRoot/><RetailSignToolParam> /fd SHA256</RetailSignToolParam></Config>
  <Env Name="arm"><BSPVersion>10.0.0.0</BSPVersion></Env>
  <Security>
    <SecureBoot>
      <PlatformKey><Cert>pk.cer</Cert></PlatformKey>
      <Database><Test/><Retail><Cert>db.cer</Cert></Retail></Database>
    </SecureBoot>
    <BitLocker><DataRecoveryAgent><Cert>dra.cer</Cert></DataRecoveryAgent></BitLocker>
    <SIPolicy>
      <Root><Cert>root.cer</Cert></Root>
      <User><Retail><Cert>umci.cer</Cert></Retail></User>
      <Kernel><Test><Cert>kmci.cer</Cert></Test></Kernel>
    </SIPolicy>
  </Security>
</IoTWorkspace>
"#;

pub(super) const DEVICE_LAYOUT: &str = r#"<DeviceLayout
    xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
  <Partitions>
    <Partition>
      <Name>EFIESP</Name><Type>0x0C</Type><FileSystem>FAT</FileSystem><TotalSectors>65536</TotalSectors>
      <Bootable>true</Bootable><RequiredToFlash>true</RequiredToFlash>
    </Partition>
    <Partition>
      <Name>MainOS</Name><Type>0x07</Type><FileSystem>NTFS</FileSystem><MinFreeSectors>1048576</MinFreeSectors>
      <ByteAlignment>0x800000</ByteAlignment><ClusterSize>0x1000</ClusterSize>
    </Partition>
  </Partitions>
  <SectorSize>512</SectorSize><ChunkSize>128</ChunkSize>
  <DefaultPartitionByteAlignment>0x200000</DefaultPartitionByteAlignment><VersionTag>IoTUAP</VersionTag>
</DeviceLayout>
"#;

pub(super) const OEM_DEVICE_PLATFORM: &str = r#"<OEMDevicePlatform
    xmlns="http://schemas.microsoft.com/embedded/2004/10/ImageUpdate">
  <MinSectorCount>7372800</MinSectorCount>
  <DevicePlatformIDs><ID>*</ID></DevicePlatformIDs>
  <CompressedPartitions><Name>MainOS</Name></CompressedPartitions>
</OEMDevicePlatform>
"#;

pub(super) const BOOT_CONFIGURATION: &str = r#"<BootConfigurationDatabase
    xmlns="http://schemas.microsoft.com/phone/2011/10/BootConfiguration">
  <Objects>
    <Object SaveKeyToRegistry="false">
      <FriendlyName>Windows Boot Manager</FriendlyName>
      <Elements><Element>
        <DataType><WellKnownType>Allow Pre-release Signatures</WellKnownType></DataType>
        <ValueType><BooleanValue>true</BooleanValue></ValueType>
      </Element></Elements>
    </Object>
  </Objects>
</BootConfigurationDatabase>
"#;
