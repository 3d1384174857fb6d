"""PodSpec's field names, matched ignoring case as Go's JSON decoder does: real jobs write `serviceaccountName`."""

from __future__ import annotations

from typing import Any

# Every field name reachable from Kubernetes' PodSpec (OpenAPI of release 1.37).
_NAMES = """
    accessModes action activeDeadlineSeconds add affinity allowPrivilegeEscalation annotations apiGroup
    apiVersion appArmorProfile args audience automountServiceAccountToken awsElasticBlockStore azureDisk
    azureFile bindMountOptions blockOwnerDeletion cachingMode capabilities cephfs certificateChainPath
    chapAuthDiscovery chapAuthSession cinder claimName claims clusterTrustBundle command conditionType configMap
    configMapKeyRef configMapRef containerName containerPort containers controller creationTimestamp
    credentialBundlePath csi datasetName datasetUUID dataSource dataSourceRef defaultMode defaultUser
    deletionGracePeriodSeconds deletionTimestamp devicePath directory diskName diskURI divisor dnsConfig
    dnsPolicy downwardAPI driver drop effect emptyDir enableServiceLinks endpoints env envFrom ephemeral
    ephemeralContainers evictionResponders exec exitCodes expirationSeconds failureThreshold fc fieldPath
    fieldRef fieldsType fieldsV1 fileKeyRef finalizers flexVolume flocker fsGroup fsGroupChangePolicy fsType
    gateway gcePersistentDisk generateName generation gitRepo glusterfs gmsaCredentialSpec
    gmsaCredentialSpecName group grpc host hostAliases hostIP hostIPC hostname hostnameOverride hostnames
    hostNetwork hostPath hostPID hostPort hostProcess hostUsers httpGet httpHeaders image imagePullPolicy
    imagePullSecrets initContainers initialDelaySeconds initiatorName ip iqn iscsi iscsiInterface items key
    keyPath keyring keyType kind labels labelSelector level lifecycle limits livenessProbe localhostProfile lun
    managedFields manager matchExpressions matchFields matchLabelKeys matchLabels maxExpirationSeconds maxSkew
    medium metadata minDomains mismatchLabelKeys mode monitors mountPath mountPropagation name nameservers
    namespace namespaces namespaceSelector nfs nodeAffinity nodeAffinityPolicy nodeName nodePublishSecretRef
    nodeSelector nodeSelectorTerms nodeTaintsPolicy operation operator optional options os overhead
    ownerReferences partition path pdID pdName periodSeconds persistentVolumeClaim photonPersistentDisk
    podAffinity podAffinityTerm podAntiAffinity podCertificate podGroupName pool port portals ports
    portworxVolume postStart preemptionPolicy preference preferredDuringSchedulingIgnoredDuringExecution prefix
    preStop priority priorityClassName privileged procMount projected protectionDomain protocol pullPolicy
    quobyte rbd readinessGates readinessProbe readOnly readOnlyRootFilesystem recursiveReadOnly reference
    registry repository request requests requiredDuringSchedulingIgnoredDuringExecution resizePolicy resource
    resourceClaimName resourceClaims resourceClaimTemplateName resourceFieldRef resourceName resources
    resourceVersion restartPolicy restartPolicyRules revision role runAsGroup runAsNonRoot runAsUser
    runAsUserName runtimeClassName scaleIO schedulerName schedulingGates schedulingGroup scheme searches
    seccompProfile seconds secret secretFile secretKeyRef secretName secretRef securityContext selector selfLink
    seLinuxChangePolicy seLinuxOptions server service serviceAccount serviceAccountName serviceAccountToken
    setHostnameAsFQDN shareName shareProcessNamespace signerName sizeLimit sleep sources spec sslEnabled
    startupProbe stdin stdinOnce stopSignal storageClassName storageMode storageos storagePolicyID
    storagePolicyName storagePool subdomain subPath subPathExpr subresource successThreshold supplementalGroups
    supplementalGroupsPolicy sysctls system targetContainerName targetPortal targetWWNs tcpSocket tenant
    terminationGracePeriodSeconds terminationMessagePath terminationMessagePolicy time timeoutSeconds
    tolerations tolerationSeconds topologyKey topologySpreadConstraints tty type uid user userAnnotations value
    valueFrom values volume volumeAttributes volumeAttributesClassName volumeClaimTemplate volumeDevices
    volumeID volumeMode volumeMounts volumeName volumeNamespace volumePath volumes vsphereVolume weight
    whenUnsatisfiable windowsOptions workingDir wwids
""".split()  # noqa: SIM905 - 321 quoted names would fill three screens

_CANONICAL = {name.lower(): name for name in _NAMES}

# Below these, keys are the author's own.
_MAPS = frozenset(
    {
        "annotations",
        "labels",
        "limits",
        "matchLabels",
        "nodeSelector",
        "options",
        "overhead",
        "requests",
        "userAnnotations",
        "volumeAttributes",
    }
)


def canonical(value: Any) -> Any:
    """A deep copy of a PodSpec, or of a part, with Kubernetes' spelling of every key; unknown keys stay as they are.

    Where a key stands in two spellings, Kubernetes' own wins.
    """
    if isinstance(value, list):
        return [canonical(item) for item in value]
    if not isinstance(value, dict):
        return value
    result: dict[str, Any] = {}
    for key, item in value.items():
        name = _CANONICAL.get(str(key).lower(), str(key))
        if name != key and name in value:
            continue
        result[name] = dict(item) if name in _MAPS and isinstance(item, dict) else canonical(item)
    return result
